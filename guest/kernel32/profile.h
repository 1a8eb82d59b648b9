/* An initialization file in memory: lines of text, sections in brackets, keys before an equals sign. */
#ifndef PROFILE_H
#define PROFILE_H

#include "base.h"

typedef struct {
    WCHAR path[MAX_PATH];
    PWSTR text;
    SIZE_T length;
    BOOL is_wide; /* begins with the mark of UTF-16 */
} Profile;

/* A piece of the text. */
typedef struct {
    PCWSTR at;
    SIZE_T length;
} Piece;

/* The lines of a section: from behind its heading to the next heading. `heading` is where the heading begins. */
typedef struct {
    SIZE_T heading, begin, end;
} Section;

/* Reads the file; a name without a path is Windows' directory's, NULL is win.ini. One that is not there is empty. */
BOOL ProfileRead(Profile *profile, PCWSTR name);
BOOL ProfileWrite(const Profile *profile);
void ProfileFree(Profile *profile);
/* Replaces [begin, end) by a text. */
BOOL ProfileReplace(Profile *profile, SIZE_T begin, SIZE_T end, PCWSTR text, SIZE_T length);
/* The line at a place, without blanks around it; the place moves behind its end. */
Piece ProfileLine(const Profile *profile, SIZE_T *at);
BOOL ProfileFindSection(const Profile *profile, PCWSTR name, Section *out);
/* The next section's name; FALSE behind the last. */
BOOL ProfileNextSection(const Profile *profile, SIZE_T *at, Piece *name);
/* A line's key and value, blanks cut; FALSE for comments and lines without an equals sign. */
BOOL ProfileDivide(Piece line, Piece *key, Piece *value);
/* A key's line in a section: its place and end, the key as it is written there, the value. */
typedef struct {
    SIZE_T begin, end;
    Piece key, value;
} Line;
BOOL ProfileFindKey(const Profile *profile, const Section *section, PCWSTR key, Line *out);
BOOL PieceIs(Piece piece, PCWSTR text);

#endif
