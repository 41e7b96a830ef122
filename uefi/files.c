#include "firmware.h"

#include "config.h"

static EFI_FILE_PROTOCOL *open_root(void)
{
    EFI_GUID image_guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    EFI_GUID volume_guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    EFI_FILE_PROTOCOL *root = NULL;

    EFI_LOADED_IMAGE_PROTOCOL *image = protocol_of(loader_handle, image_guid);
    if (image == NULL || image->DeviceHandle == NULL)
        return NULL;
    EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *volume = protocol_of(image->DeviceHandle, volume_guid);
    if (volume == NULL || volume->OpenVolume(volume, &root) != EFI_SUCCESS)
        return NULL;
    return root;
}

/* Returns the open file or a null pointer; error tells which. The path is ASCII. */
static EFI_FILE_PROTOCOL *open_file(const char *path, struct error *error)
{
    CHAR16 wide[CONFIG_PATH_MAX];
    EFI_FILE_PROTOCOL *file = NULL;
    EFI_FILE_PROTOCOL *root = open_root();
    size_t length = strlen(path);

    if (root == NULL) {
        refuse(error, "the boot volume has no file system that the firmware reads");
        return NULL;
    }
    for (size_t i = 0; i <= length; i++)
        wide[i] = (CHAR16)path[i];
    EFI_STATUS status = root->Open(root, &file, wide, EFI_FILE_MODE_READ, 0);
    root->Close(root);
    if (status == EFI_SUCCESS)
        return file;
    if (status == EFI_NOT_FOUND)
        refuse(error, "not found on the boot volume");
    else
        refuse(error, "cannot be opened, EFI status 0x%llx", (unsigned long long)status);
    return NULL;
}

/* EFI_FILE_INFO ends with the name, of up to 255 characters on FAT. */
static bool file_size(EFI_FILE_PROTOCOL *file, uint64_t *size, struct error *error)
{
    union {
        EFI_FILE_INFO info;
        uint8_t room[sizeof(EFI_FILE_INFO) + 256 * sizeof(CHAR16)];
    } buffer;
    UINTN length = sizeof(buffer);
    EFI_GUID guid = EFI_FILE_INFO_ID;

    if (file->GetInfo(file, &guid, &length, &buffer) != EFI_SUCCESS)
        return refuse(error, "its size cannot be read");
    if (buffer.info.Attribute & EFI_FILE_DIRECTORY)
        return refuse(error, "is a folder, not a file");
    *size = buffer.info.FileSize;
    return true;
}

static bool read_all(EFI_FILE_PROTOCOL *file, uint8_t *out, uint64_t size, struct error *error)
{
    for (uint64_t done = 0; done < size;) {
        UINTN part = size - done;
        EFI_STATUS status = file->Read(file, &part, out + done);
        if (status != EFI_SUCCESS || part == 0)
            return refuse(error, "cannot be read at byte %llu, EFI status 0x%llx",
                          (unsigned long long)done, (unsigned long long)status);
        done += part;
    }
    return true;
}

static bool load_open_file(EFI_FILE_PROTOCOL *file, struct bytes *contents, struct error *error)
{
    uint64_t size;

    if (!file_size(file, &size, error))
        return false;
    uint8_t *out = memory_alloc(size);
    if (out == NULL)
        return refuse(error, "no memory to read its %llu KiB", (unsigned long long)size >> 10);
    *contents = (struct bytes){out, size};
    return read_all(file, out, size, error);
}

bool file_load(const char *path, struct bytes *contents, struct error *error)
{
    error->file = path;
    EFI_FILE_PROTOCOL *file = open_file(path, error);
    if (file == NULL)
        return false;
    bool loaded = load_open_file(file, contents, error);
    file->Close(file);
    return loaded;
}
