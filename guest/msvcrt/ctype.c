/* Classes of characters in the C locale, as a table that programs read, and as functions. */
#include "crt.h"

enum { UPPER = 1, LOWER = 2, DIGIT = 4, SPACE = 8, PUNCT = 0x10, CONTROL = 0x20, BLANK = 0x40, HEX = 0x80,
       ALPHA = 0x100 | UPPER | LOWER };

/* Index 0 is EOF, so that _pctype[-1] may be asked. */
#define C4 CONTROL, CONTROL, CONTROL, CONTROL
#define P4 PUNCT, PUNCT, PUNCT, PUNCT
#define D4 DIGIT | HEX, DIGIT | HEX, DIGIT | HEX, DIGIT | HEX
#define S (SPACE | CONTROL)
#define UH (UPPER | HEX)
#define U UPPER
#define U5 U, U, U, U, U
#define LH (LOWER | HEX)
#define L LOWER
#define L5 L, L, L, L, L

/* clang-format off */
unsigned short _ctype[257] = {
    0,
    C4, C4, CONTROL, S, S, S, S, S, CONTROL, CONTROL, C4, C4, C4, C4,
    SPACE | BLANK, PUNCT, PUNCT, PUNCT, P4, P4, P4,
    D4, D4, DIGIT | HEX, DIGIT | HEX, PUNCT, PUNCT, P4,
    PUNCT, UH, UH, UH, UH, UH, UH, U5, U5, U5, U5, PUNCT, PUNCT, PUNCT, PUNCT, PUNCT,
    PUNCT, LH, LH, LH, LH, LH, LH, L5, L5, L5, L5, PUNCT, PUNCT, PUNCT, PUNCT, CONTROL,
};
/* clang-format on */
const unsigned short *_pctype = _ctype + 1;
const unsigned short *_pwctype = _ctype + 1;

const unsigned short **__p__pctype(void)
{
    return &_pctype;
}

const unsigned short **__p__pwctype(void)
{
    return &_pwctype;
}

const unsigned short *__pctype_func(void)
{
    return _pctype;
}

const unsigned short *__pwctype_func(void)
{
    return _pwctype;
}

static int class_of(unsigned unit, int mask)
{
    return unit < 256 ? _ctype[unit + 1] & mask : 0;
}

int _isctype(int unit, int mask)
{
    return class_of((unsigned)unit, mask);
}

int iswctype(unsigned short unit, unsigned short mask)
{
    return class_of(unit, mask);
}

int is_wctype(unsigned short unit, unsigned short mask)
{
    return class_of(unit, mask);
}

int isleadbyte(int unit)
{
    (void)unit;
    return 0;
}

#define CLASS(name, mask)                                                                                             \
    int is##name(int unit)                                                                                            \
    {                                                                                                                 \
        return class_of((unsigned)unit, mask);                                                                        \
    }                                                                                                                 \
    int isw##name(wchar_t unit)                                                                                       \
    {                                                                                                                 \
        return class_of(unit, mask);                                                                                  \
    }

CLASS(alnum, ALPHA | DIGIT)
CLASS(alpha, ALPHA)
CLASS(cntrl, CONTROL)
CLASS(digit, DIGIT)
CLASS(graph, ALPHA | DIGIT | PUNCT)
CLASS(lower, LOWER)
CLASS(print, ALPHA | DIGIT | PUNCT | BLANK)
CLASS(punct, PUNCT)
CLASS(space, SPACE)
CLASS(upper, UPPER)
CLASS(xdigit, HEX)

int iswascii(wchar_t unit)
{
    return unit < 128;
}

int __isascii(int unit)
{
    return (unsigned)unit < 128;
}

int __toascii(int unit)
{
    return unit & 0x7F;
}

int __iscsymf(int unit)
{
    return isalpha(unit) || unit == '_';
}

int __iscsym(int unit)
{
    return isalnum(unit) || unit == '_';
}

int tolower(int unit)
{
    return unit >= 'A' && unit <= 'Z' ? unit + 32 : unit;
}

int toupper(int unit)
{
    return unit >= 'a' && unit <= 'z' ? unit - 32 : unit;
}

/* The forms with an underscore map without asking whether the unit is a letter. */
int _tolower(int unit)
{
    return unit + 32;
}

int _toupper(int unit)
{
    return unit - 32;
}

wchar_t towlower(wchar_t unit)
{
    return unit >= 'A' && unit <= 'Z' ? (wchar_t)(unit + 32) : unit;
}

wchar_t towupper(wchar_t unit)
{
    return unit >= 'a' && unit <= 'z' ? (wchar_t)(unit - 32) : unit;
}
