/* Resources of an image: a tree of types, names and languages; the leaf says where the bytes are. */

#include "ntdll.h"

#define TREE_LEVELS 3

typedef struct {
    PIMAGE_RESOURCE_DIRECTORY root;
    ULONG size;
} Tree;

static BOOL TreeOf(PVOID base, Tree *tree)
{
    ULONG_PTR image = (ULONG_PTR)base;
    BOOLEAN is_mapped = !(image & 1);
    tree->root = RtlImageDirectoryEntryToData((PVOID)(image & ~3u), is_mapped, IMAGE_DIRECTORY_ENTRY_RESOURCE, &tree->size);
    return tree->root != NULL && tree->size >= sizeof *tree->root;
}

static BOOL Lies(const Tree *tree, ULONG offset, SIZE_T size) { return offset <= tree->size && size <= tree->size - offset; }

/* An entry's name against the wanted one, which is a number below 10000h or a text in capitals; <0, 0, >0. */
static LONG Compare(const Tree *tree, const IMAGE_RESOURCE_DIRECTORY_ENTRY *entry, ULONG_PTR wanted)
{
    if (wanted < 0x10000)
        return entry->NameIsString ? -1 : (LONG)entry->Id - (LONG)wanted;
    if (!entry->NameIsString || !Lies(tree, entry->NameOffset, sizeof(USHORT)))
        return 1;
    PIMAGE_RESOURCE_DIR_STRING_U name = (PVOID)((PCHAR)tree->root + entry->NameOffset);
    PCWSTR text = (PCWSTR)wanted;
    if (!Lies(tree, entry->NameOffset, sizeof(USHORT) + name->Length * sizeof(WCHAR)))
        return 1;
    int order = _wcsnicmp(name->NameString, text, name->Length);
    return order != 0 ? order : -(LONG)(wcslen(text) > name->Length);
}

static PIMAGE_RESOURCE_DIRECTORY_ENTRY Entries(PIMAGE_RESOURCE_DIRECTORY directory)
{
    return (PIMAGE_RESOURCE_DIRECTORY_ENTRY)(directory + 1);
}

static ULONG CountOf(const IMAGE_RESOURCE_DIRECTORY *directory)
{
    return directory->NumberOfNamedEntries + directory->NumberOfIdEntries;
}

static PIMAGE_RESOURCE_DIRECTORY_ENTRY FindEntry(const Tree *tree, PIMAGE_RESOURCE_DIRECTORY directory, ULONG_PTR wanted)
{
    ULONG offset = (ULONG)((PCHAR)directory - (PCHAR)tree->root);
    ULONG count = CountOf(directory);
    if (!Lies(tree, offset, sizeof *directory + count * sizeof(IMAGE_RESOURCE_DIRECTORY_ENTRY)))
        return NULL;
    for (ULONG index = 0; index < count; index++)
        if (Compare(tree, Entries(directory) + index, wanted) == 0)
            return Entries(directory) + index;
    return NULL;
}

static PIMAGE_RESOURCE_DIRECTORY DirectoryAt(const Tree *tree, const IMAGE_RESOURCE_DIRECTORY_ENTRY *entry)
{
    if (!entry->DataIsDirectory || !Lies(tree, entry->OffsetToDirectory, sizeof(IMAGE_RESOURCE_DIRECTORY)))
        return NULL;
    return (PVOID)((PCHAR)tree->root + entry->OffsetToDirectory);
}

/* The language that was asked for, else its neutral form, the neutral one, English (United States), the first. */
static PIMAGE_RESOURCE_DIRECTORY_ENTRY FindLanguage(const Tree *tree, PIMAGE_RESOURCE_DIRECTORY directory, ULONG_PTR wanted)
{
    const ULONG_PTR order[] = {wanted, PRIMARYLANGID(wanted), LANG_NEUTRAL, 0x409};
    for (ULONG index = 0; index < COUNT_OF(order); index++) {
        PIMAGE_RESOURCE_DIRECTORY_ENTRY entry = FindEntry(tree, directory, order[index]);
        if (entry != NULL)
            return entry;
    }
    return CountOf(directory) > 0 ? Entries(directory) : NULL;
}

static NTSTATUS Descend(PVOID base, const ULONG_PTR *path, ULONG depth, BOOL wants_directory, PVOID *out)
{
    static const NTSTATUS Missing[TREE_LEVELS] = {STATUS_RESOURCE_TYPE_NOT_FOUND, STATUS_RESOURCE_NAME_NOT_FOUND,
                                                  STATUS_RESOURCE_LANG_NOT_FOUND};
    Tree tree;
    if (!TreeOf(base, &tree))
        return STATUS_RESOURCE_DATA_NOT_FOUND;
    PIMAGE_RESOURCE_DIRECTORY directory = tree.root;
    for (ULONG level = 0; level < depth; level++) {
        BOOL is_language = level == TREE_LEVELS - 1;
        PIMAGE_RESOURCE_DIRECTORY_ENTRY entry = is_language ? FindLanguage(&tree, directory, path[level])
                                                            : FindEntry(&tree, directory, path[level]);
        if (entry == NULL)
            return Missing[min(level, (ULONG)TREE_LEVELS - 1)];
        directory = DirectoryAt(&tree, entry);
        if (directory == NULL) {
            if (wants_directory || level + 1 != depth || !Lies(&tree, entry->OffsetToData, sizeof(IMAGE_RESOURCE_DATA_ENTRY)))
                return STATUS_RESOURCE_DATA_NOT_FOUND;
            *out = (PCHAR)tree.root + entry->OffsetToData;
            return STATUS_SUCCESS;
        }
    }
    *out = directory;
    return wants_directory ? STATUS_SUCCESS : STATUS_RESOURCE_DATA_NOT_FOUND;
}

/* The path is type, name, language: numbers below 10000h or texts. */
NTSTATUS NTAPI LdrFindResource_U(PVOID base, const ULONG_PTR *path, ULONG depth, PIMAGE_RESOURCE_DATA_ENTRY *out)
{
    return Descend(base, path, depth, FALSE, (PVOID *)out);
}

NTSTATUS NTAPI LdrFindResourceDirectory_U(PVOID base, const ULONG_PTR *path, ULONG depth, PIMAGE_RESOURCE_DIRECTORY *out)
{
    return Descend(base, path, depth, TRUE, (PVOID *)out);
}

/* Where a leaf's bytes are: they have an RVA, unless the image is mapped as a file (lowest bit of the base). */
NTSTATUS NTAPI LdrAccessResource(PVOID base, const IMAGE_RESOURCE_DATA_ENTRY *leaf, PVOID *address, PULONG size)
{
    ULONG_PTR image = (ULONG_PTR)base & ~3u;
    if (address != NULL && !((ULONG_PTR)base & 1))
        *address = (PVOID)(image + leaf->OffsetToData);
    else if (address != NULL)
        *address = RtlImageRvaToVa(RtlImageNtHeader((PVOID)image), (PVOID)image, leaf->OffsetToData, NULL);
    if (size != NULL)
        *size = leaf->Size;
    return address == NULL || *address != NULL ? STATUS_SUCCESS : STATUS_RESOURCE_DATA_NOT_FOUND;
}
