/* What the files of CreateProcess share. */
#ifndef CREATE_PROCESS_H
#define CREATE_PROCESS_H

#include "base.h"

/* The full name of the program that a command line begins with, into MAX_PATH characters. */
BOOL BaseProgramOf(PCWSTR line, PWSTR full);

/* The standard handles, title, directory and so on of a new process. */
typedef struct {
    PCWSTR image, line, directory;
    PWSTR environment;
    const STARTUPINFOW *startup;
    BOOL inherits;
    DWORD flags;
} NewProcess;
/* The block that RtlCreateUserProcess writes into the child. */
PRTL_USER_PROCESS_PARAMETERS BaseParameters(const NewProcess *wanted);
/* Gives the child, which has not run yet, its standard handles. */
BOOL BaseGiveStandardHandles(const NewProcess *wanted, HANDLE process);

#endif
