/* FormatMessage: texts of the usual errors, in words of this project and not those of Windows, and inserts. */

#include "base.h"

static const struct {
    DWORD error;
    PCWSTR text;
} Messages[] = {
    {0, L"Done."},
    {1, L"The function is wrong for this object."},
    {2, L"There is no such file."},
    {3, L"There is no such folder on the way to the file."},
    {4, L"No more files can be open."},
    {5, L"Not allowed."},
    {6, L"This handle stands for nothing."},
    {8, L"Too little memory for this request."},
    {11, L"This is not a program that can be run."},
    {12, L"This kind of access does not exist."},
    {13, L"The data do not make sense."},
    {14, L"Too little memory to finish."},
    {15, L"There is no such drive."},
    {17, L"A move to another drive would be a copy."},
    {18, L"No file is left to be listed."},
    {19, L"The medium is protected against writing."},
    {21, L"The device does not answer yet."},
    {23, L"What was read fails its check sum."},
    {24, L"The length is wrong for this request."},
    {31, L"A device failed."},
    {32, L"Somebody else has opened the file and does not share it."},
    {33, L"Somebody else has locked this part of the file."},
    {38, L"The file ends here."},
    {50, L"This cannot be done here."},
    {80, L"There is a file of this name."},
    {87, L"A parameter is wrong."},
    {109, L"Nobody is at the other end of the pipe."},
    {112, L"The disk is full."},
    {120, L"This system does not have the function."},
    {121, L"The time for this wait is over."},
    {122, L"The buffer is too small."},
    {123, L"A name cannot be written like this."},
    {126, L"There is no such module."},
    {127, L"The module has no such function."},
    {131, L"A position before the beginning of the file."},
    {145, L"There are files in the folder."},
    {158, L"The pages are not locked."},
    {161, L"This is no path."},
    {170, L"Somebody uses it at the moment."},
    {183, L"It exists."},
    {193, L"%1: no program for 32-bit Windows."},
    {203, L"There is no such environment variable."},
    {206, L"The name is too long."},
    {230, L"The pipe is not in a state for this."},
    {234, L"There is more than fits."},
    {258, L"The wait ended without the event."},
    {259, L"Nothing is left to be listed."},
    {267, L"This is no folder."},
    {288, L"Only the thread that owns the mutex can release it."},
    {298, L"The semaphore would exceed its limit."},
    {299, L"Some of the bytes could be copied, not all."},
    {487, L"The address is not one where this can be done."},
    {534, L"The result has more than 32 bits."},
    {995, L"The transfer was cancelled."},
    {996, L"The transfer is not finished."},
    {997, L"The transfer goes on in the background."},
    {998, L"Memory that may not be accessed like this."},
    {999, L"A page could not be read."},
    {1001, L"The stack is used up."},
    {1114, L"A library refused to be loaded."},
    {1314, L"A privilege is missing."},
    {1450, L"The system has no resources left for this."},
    {1453, L"More memory than this process may lock."},
    {1454, L"More page file than this process may use."},
    {1455, L"The system promises no more memory: physical memory and page files are all promised."},
    {1460, L"The time is over."},
    {1816, L"More than this process may use."},
};

static PCWSTR SystemText(DWORD error)
{
    for (ULONG index = 0; index < COUNT_OF(Messages); index++)
        if (Messages[index].error == error)
            return Messages[index].text;
    return NULL;
}

/* The result as it grows; `room` counts characters, the terminator included. */
typedef struct {
    PWSTR text;
    DWORD length, room;
} Output;

static void Put(Output *out, PCWSTR text, DWORD count)
{
    for (DWORD index = 0; index < count; index++, out->length++)
        if (out->length + 1 < out->room)
            out->text[out->length] = text[index];
}

/* %n!format! takes the n-th argument; without a format it is a string. Narrow callers mean narrow strings by %s. */
static PCWSTR PutInsert(Output *out, PCWSTR at, const ULONG_PTR *arguments, BOOL is_narrow)
{
    WCHAR format[32] = L"%", text[512];
    DWORD number = *at++ - '0', length = 1;
    if (*at >= '0' && *at <= '9')
        number = number * 10 + (*at++ - '0');
    if (*at == '!') {
        for (at++; *at != 0 && *at != '!' && length < COUNT_OF(format) - 2; at++)
            format[length++] = *at;
        at += *at == '!';
    } else {
        format[length++] = 's';
    }
    if (is_narrow && length >= 2 && (format[length - 1] == 's' || format[length - 1] == 'c') && format[length - 2] != 'l')
        format[length - 1] -= 0x20;
    format[length] = 0;
    ULONG_PTR value = arguments != NULL ? arguments[number - 1] : 0;
    int made = _snwprintf(text, COUNT_OF(text), format, value);
    Put(out, text, made < 0 ? COUNT_OF(text) : (DWORD)made);
    return at;
}

static PCWSTR PutEscape(Output *out, PCWSTR at, const ULONG_PTR *arguments, BOOL is_narrow)
{
    if (*at >= '1' && *at <= '9' && arguments != NULL)
        return PutInsert(out, at, arguments, is_narrow);
    switch (*at) {
    case 'n': Put(out, L"\r\n", 2); break;
    case 'r': Put(out, L"\r", 1); break;
    case 't': Put(out, L"\t", 1); break;
    case 'b': Put(out, L" ", 1); break;
    case '0':
    case 0: return at;
    default:
        if (*at >= '1' && *at <= '9')
            Put(out, L"%", 1);
        Put(out, at, 1);
        break;
    }
    return at + 1;
}

static void Format(Output *out, PCWSTR source, DWORD flags, const ULONG_PTR *arguments, BOOL is_narrow)
{
    for (PCWSTR at = source; *at != 0;) {
        if (*at != '%' || flags & FORMAT_MESSAGE_IGNORE_INSERTS) {
            Put(out, at++, 1);
            continue;
        }
        if (at[1] == '0')
            break;
        at = PutEscape(out, at + 1, arguments, is_narrow);
    }
    if (out->room > 0)
        out->text[min(out->length, out->room - 1)] = 0;
}

/* A va_list of this processor is the address of the arguments; the flag says that it is an array instead. */
static const ULONG_PTR *ArgumentsOf(DWORD flags, va_list *arguments)
{
    if (arguments == NULL)
        return NULL;
    return flags & FORMAT_MESSAGE_ARGUMENT_ARRAY ? (const ULONG_PTR *)arguments : *(const ULONG_PTR **)arguments;
}

/* The text on the heap, or NULL with a last error. */
static PWSTR Build(DWORD flags, LPCVOID source, DWORD id, va_list *arguments, BOOL is_narrow, PDWORD length)
{
    WCHAR line[128];
    PWSTR wide = NULL;
    PCWSTR text = line;
    if (flags & FORMAT_MESSAGE_FROM_STRING) {
        text = is_narrow ? (wide = BaseWide(source)) : source;
    } else if (flags & FORMAT_MESSAGE_FROM_SYSTEM && SystemText(id) != NULL) {
        _snwprintf(line, COUNT_OF(line), L"%s\r\n", SystemText(id));
    } else {
        BaseFail(flags & FORMAT_MESSAGE_FROM_SYSTEM ? ERROR_MR_MID_NOT_FOUND : ERROR_CALL_NOT_IMPLEMENTED);
        return NULL;
    }
    if (text == NULL)
        return NULL;
    Output measured = {NULL, 0, 0};
    Format(&measured, text, flags, ArgumentsOf(flags, arguments), is_narrow);
    Output out = {BaseAllocate((measured.length + 1) * sizeof(WCHAR)), 0, measured.length + 1};
    if (out.text != NULL)
        Format(&out, text, flags, ArgumentsOf(flags, arguments), is_narrow);
    else
        BaseFail(ERROR_NOT_ENOUGH_MEMORY);
    BaseRelease(wide);
    *length = measured.length;
    return out.text;
}

DWORD WINAPI FormatMessageW(DWORD flags, LPCVOID source, DWORD id, DWORD language, LPWSTR buffer, DWORD size,
                            va_list *arguments)
{
    DWORD length;
    (void)language;
    PWSTR text = Build(flags, source, id, arguments, FALSE, &length);
    if (text == NULL)
        return 0;
    if (flags & FORMAT_MESSAGE_ALLOCATE_BUFFER) {
        *(PWSTR *)buffer = text;
        return length;
    }
    BOOL fits = length + 1 <= size;
    if (fits)
        memcpy(buffer, text, (length + 1) * sizeof(WCHAR));
    BaseRelease(text);
    return fits ? length : (DWORD)BaseFail(ERROR_INSUFFICIENT_BUFFER);
}

DWORD WINAPI FormatMessageA(DWORD flags, LPCVOID source, DWORD id, DWORD language, LPSTR buffer, DWORD size,
                            va_list *arguments)
{
    DWORD length;
    (void)language;
    PWSTR text = Build(flags, source, id, arguments, TRUE, &length);
    if (text == NULL)
        return 0;
    LPSTR narrow = flags & FORMAT_MESSAGE_ALLOCATE_BUFFER ? BaseAllocate(length + 1) : buffer;
    BOOL fits = narrow != NULL && (flags & FORMAT_MESSAGE_ALLOCATE_BUFFER || length + 1 <= size);
    if (fits)
        BaseNarrow(text, narrow, length + 1);
    if (fits && flags & FORMAT_MESSAGE_ALLOCATE_BUFFER)
        *(LPSTR *)buffer = narrow;
    BaseRelease(text);
    return fits ? length : (DWORD)BaseFail(ERROR_INSUFFICIENT_BUFFER);
}
