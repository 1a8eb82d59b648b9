/* Characters of several bytes: there are none in the C locale, where a byte is a wide unit of the same value. */
#include "crt.h"

int mbtowc(wchar_t *to, const char *from, size_t size)
{
    if (!from || !size)
        return 0;
    if (to)
        *to = (unsigned char)*from;
    return *from != 0;
}

int wctomb(char *to, wchar_t unit)
{
    if (!to)
        return 0;
    if (unit > 255)
        return crt_fail(EILSEQ);
    *to = (char)unit;
    return 1;
}

int mblen(const char *text, size_t size)
{
    return text && size && *text ? 1 : 0;
}

size_t mbstowcs(wchar_t *to, const char *from, size_t size)
{
    size_t i = 0;
    if (!to)
        return strlen(from);
    for (; i < size && from[i]; i++)
        to[i] = (unsigned char)from[i];
    if (i < size)
        to[i] = 0;
    return i;
}

size_t wcstombs(char *to, const wchar_t *from, size_t size)
{
    size_t i = 0;
    for (; (!to || i < size) && from[i]; i++) {
        if (from[i] > 255)
            return (size_t)crt_fail(EILSEQ);
        if (to)
            to[i] = (char)from[i];
    }
    if (to && i < size)
        to[i] = 0;
    return i;
}

unsigned short btowc(int unit)
{
    return unit == EOF ? 0xFFFF : (unsigned char)unit;
}

int wctob(unsigned short unit)
{
    return unit > 255 ? EOF : unit;
}

/* _mbs...: text in the system's code page, which has one byte for each character here. */
unsigned char _mbctype[257];
unsigned char _mbcasemap[256];
typedef unsigned char byte;

unsigned char *__p__mbctype(void)
{
    return _mbctype;
}

unsigned char *__p__mbcasemap(void)
{
    return _mbcasemap;
}

int _getmbcp(void)
{
    return 0;
}

int _setmbcp(int page)
{
    (void)page;
    return 0;
}

int _ismbblead(unsigned unit)
{
    (void)unit;
    return 0;
}

int _ismbbtrail(unsigned unit)
{
    (void)unit;
    return 0;
}

int _ismbslead(const byte *text, const byte *place)
{
    (void)text;
    (void)place;
    return 0;
}

int _ismbstrail(const byte *text, const byte *place)
{
    (void)text;
    (void)place;
    return 0;
}

size_t _mbclen(const byte *text)
{
    (void)text;
    return 1;
}

size_t _mbstrlen(const char *text)
{
    return strlen(text);
}

size_t _mbslen(const byte *text)
{
    return strlen((const char *)text);
}

byte *_mbsinc(const byte *text)
{
    return (byte *)text + 1;
}

byte *_mbsdec(const byte *start, const byte *place)
{
    return place > start ? (byte *)place - 1 : 0;
}

byte *_mbsninc(const byte *text, size_t count)
{
    size_t length = strlen((const char *)text);
    return (byte *)text + (count < length ? count : length);
}

unsigned _mbsnextc(const byte *text)
{
    return *text;
}

unsigned _mbctolower(unsigned unit)
{
    return (unsigned)tolower((int)unit);
}

unsigned _mbctoupper(unsigned unit)
{
    return (unsigned)toupper((int)unit);
}

int _ismbcspace(unsigned unit)
{
    return isspace((int)unit);
}

int _ismbcdigit(unsigned unit)
{
    return isdigit((int)unit);
}

int _ismbcalpha(unsigned unit)
{
    return isalpha((int)unit);
}

void _mbccpy(byte *to, const byte *from)
{
    *to = *from;
}
