#!/bin/sh
# Compares this run-time's arithmetic and text functions with those of the host's C library, on random values.
# Needs a compiler for 32-bit x86 (gcc-multilib). Usage: compare.sh [ROUNDS]
set -e
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
parts="decimal number_text format printf strings memory ctype sort time time_text arithmetic text_of_number multibyte
    scan scanf math floats int64"
for part in $parts; do
    gcc -m32 -march=i686 -mfpmath=387 -std=gnu11 -O2 -fshort-wchar -ffreestanding -fno-pic -fno-stack-protector \
        -fno-strict-aliasing -fno-tree-loop-distribute-patterns -w "-D__declspec(x)=" \
        -c "$here/../$part.c" -o "$work/$part.o"
done
# Every name gets a prefix, so that both libraries can be in one program.
(cd "$work" && ld -m elf_i386 -r -o ours.o $(for part in $parts; do echo "$part.o"; done) &&
    objcopy --prefix-symbols=our_ ours.o)
gcc -m32 -O1 -fno-builtin -Wall -Wextra "$here/compare.c" "$work/ours.o" -o "$work/compare" -lm -no-pie \
    -Wl,--unresolved-symbols=ignore-all -Wl,-z,noexecstack 2>&1 | grep -v 'ld: warning' || true
"$work/compare" "$@"
