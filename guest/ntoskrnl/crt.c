/* Memory and strings of the C library: those of ntdll. */

#include "../ntdll/crt.c"
#include "../ntdll/crt_string.c"
#include "../ntdll/crt_wide.c"
