/* The one locale there is: "C". */
#include "crt.h"

struct lconv {
    char *decimal_point, *thousands_sep, *grouping, *int_curr_symbol, *currency_symbol, *mon_decimal_point,
        *mon_thousands_sep, *mon_grouping, *positive_sign, *negative_sign;
    char int_frac_digits, frac_digits, p_cs_precedes, p_sep_by_space, n_cs_precedes, n_sep_by_space, p_sign_posn,
        n_sign_posn;
};

int __mb_cur_max = 1;
int __unguarded_readlc_active, __setlc_active;
unsigned __lc_codepage;
unsigned __lc_collate_cp;
unsigned __lc_handle[6];

int *__p___mb_cur_max(void)
{
    return &__mb_cur_max;
}

int ___mb_cur_max_func(void)
{
    return 1;
}

unsigned ___lc_codepage_func(void)
{
    return 0;
}

unsigned ___lc_collate_cp_func(void)
{
    return 0;
}

unsigned *___lc_handle_func(void)
{
    return __lc_handle;
}

int ___setlc_active_func(void)
{
    return 0;
}

int *___unguarded_readlc_active_add_func(void)
{
    return &__unguarded_readlc_active;
}

enum { CATEGORIES = 6 };

/* A null pointer asks; "" is the user's locale, which is "C" on this machine too. */
char *setlocale(int category, const char *locale)
{
    static char name[] = "C";
    if ((unsigned)category >= CATEGORIES || (locale && *locale && strcmp(locale, "C")))
        return 0;
    return name;
}

wchar_t *_wsetlocale(int category, const wchar_t *locale)
{
    static wchar_t name[] = L"C";
    if ((unsigned)category >= CATEGORIES || (locale && *locale && wcscmp(locale, name)))
        return 0;
    return name;
}

struct lconv *localeconv(void)
{
    static char point[] = ".", none[] = "";
    static struct lconv conventions = {point, none, none, none, none, none, none, none, none, none,
                                       127,   127,  127,  127,  127,  127,  127,  127};
    return &conventions;
}

int __lconv_init(void)
{
    return 0;
}
