/* NK.EXE in ROM: the kernel's code is the machine's own, so this image has what a debugger looks for in it, and the loop
 * in which the processor waits. */

typedef unsigned int dword;

/* Rows of virtual address, physical address, megabytes, ended by zeros: 2.8 of the memory model. */
const dword OEMAddressTable[] = {0x80000000u, 0, 64, 0, 0, 0};
/* Text that the boot prints on devices. */
const char NKVersion[] = "Windows CE kernel of vatlas for i486";
/* A variable of the kernel with a value and one without: the table of copies brings them to RAM. */
dword NKSignature = 0x4b4e5641u;
dword NKIdleCount;

void NKStartup(void)
{
    for (;;) {
        NKIdleCount++;
        __asm__ volatile("sti; hlt" : : "r"(OEMAddressTable), "r"(NKVersion), "r"(NKSignature));
    }
}
