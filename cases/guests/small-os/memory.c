/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Pages, page tables, and copying on write. Each page has a count of those that use it. */

#include "kernel.h"

#define ENTRIES      1024u
#define KERNEL_ENTRY (KERNEL_BASE >> 22)
#define FRAME        0xFFFFF000u
/* The most memory that is used: more is left alone. */
#define MOST_PAGES   16384u
/* Behind the memory are the pages of the devices. */
#define DEVICE_PAGES 256u

/* User addresses that may be touched: the program, its heap and its stack. */
#define PROGRAM_START 0x08000000u
#define PROGRAM_END   0x08010000u
#define HEAP_START    0x10000000u
#define HEAP_END      0x10010000u
#define STACK_START   0xBFFF0000u
#define STACK_END     0xC0000000u

extern char kernel_end[], user_image[], user_size[];

static u8 users[MOST_PAGES];
static u32 first_page, end_page;
/* The kernel's part of every directory. */
static u32 kernel_entries[ENTRIES - KERNEL_ENTRY];

static void map_kernel(u32 pages)
{
    u32 *table = 0;

    for (u32 page = 0; page < pages; page++) {
        if (page % ENTRIES == 0) {
            table = new_page();
            kernel_entries[page / ENTRIES] = PHYSICAL(table) | PRESENT | WRITABLE;
        }
        table[page % ENTRIES] = page * PAGE_SIZE | PRESENT | WRITABLE;
    }
}

/* The first page tables lie at the end of memory and are used until the kernel has its own. */
void init_memory(u32 size)
{
    u32 pages = size / PAGE_SIZE;

    first_page = (PHYSICAL(kernel_end) + PAGE_SIZE - 1) / PAGE_SIZE;
    end_page = (lguest_data.pgdir - size / 1024 - PAGE_SIZE) / PAGE_SIZE;
    if (end_page > MOST_PAGES)
        end_page = MOST_PAGES;
    map_kernel(pages + DEVICE_PAGES);
}

void *new_page(void)
{
    for (u32 page = first_page; page < end_page; page++) {
        if (users[page] == 0) {
            users[page] = 1;
            return memset(VIRTUAL(page * PAGE_SIZE), 0, PAGE_SIZE);
        }
    }
    shut_down("Out of memory", 0);
    return 0;
}

void free_page(void *page)
{
    users[PHYSICAL(page) / PAGE_SIZE]--;
}

u32 free_pages(void)
{
    u32 count = 0;

    for (u32 page = first_page; page < end_page; page++)
        count += users[page] == 0;
    return count;
}

u32 *new_directory(void)
{
    u32 *directory = new_page();

    memcpy(directory + KERNEL_ENTRY, kernel_entries, sizeof kernel_entries);
    return directory;
}

static u32 *table_of(u32 *directory, u32 index)
{
    return VIRTUAL(directory[index] & FRAME);
}

/* The entry of a user address, whose table is made when it is missing. */
static u32 *entry_of(u32 *directory, u32 address)
{
    u32 index = address >> 22;

    if ((directory[index] & PRESENT) == 0)
        directory[index] = PHYSICAL(new_page()) | PRESENT | WRITABLE | USER;
    return &table_of(directory, index)[address / PAGE_SIZE % ENTRIES];
}

/* The same pages, which neither may write from now on without a copy of its own. The caller drops what the host knows. */
u32 *copy_directory(u32 *from)
{
    u32 *to = new_directory();

    for (u32 index = 0; index < KERNEL_ENTRY; index++) {
        if ((from[index] & PRESENT) == 0)
            continue;
        u32 *source = table_of(from, index);
        u32 *copy = new_page();
        to[index] = PHYSICAL(copy) | PRESENT | WRITABLE | USER;
        for (u32 i = 0; i < ENTRIES; i++) {
            if ((source[i] & PRESENT) == 0)
                continue;
            source[i] &= ~WRITABLE;
            copy[i] = source[i];
            users[source[i] / PAGE_SIZE]++;
        }
    }
    return to;
}

void free_directory(u32 *directory)
{
    for (u32 index = 0; index < KERNEL_ENTRY; index++) {
        if ((directory[index] & PRESENT) == 0)
            continue;
        u32 *table = table_of(directory, index);
        for (u32 i = 0; i < ENTRIES; i++)
            if ((table[i] & PRESENT) != 0)
                users[table[i] / PAGE_SIZE]--;
        free_page(table);
    }
    free_page(directory);
}

static int is_user_address(u32 address)
{
    return (address >= PROGRAM_START && address < PROGRAM_END) ||
           (address >= HEAP_START && address < HEAP_END) ||
           (address >= STACK_START && address < STACK_END);
}

/* A page that is touched for the first time: of the program what the image has, else zeros. */
static void *first_content(u32 address)
{
    char *page = new_page();
    u32 offset = (address & FRAME) - PROGRAM_START;
    u32 size = (u32)user_size;

    if (address >= PROGRAM_START && address < PROGRAM_END && offset < size)
        memcpy(page, user_image + offset, size - offset < PAGE_SIZE ? size - offset : PAGE_SIZE);
    return page;
}

int page_fault(u32 *directory, u32 address, u32 error)
{
    u32 *entry;

    if (!is_user_address(address))
        return 0;
    entry = entry_of(directory, address);
    if ((*entry & PRESENT) == 0) {
        *entry = PHYSICAL(first_content(address)) | PRESENT | WRITABLE | USER;
        return 1;
    }
    if ((error & WRITABLE) == 0 || (*entry & WRITABLE) != 0)
        return 0;
    if (users[*entry / PAGE_SIZE] > 1) {
        void *old = VIRTUAL(*entry & FRAME);
        void *copy = new_page();
        memcpy(copy, old, PAGE_SIZE);
        free_page(old);
        *entry = PHYSICAL(copy) | PRESENT | USER;
    }
    *entry |= WRITABLE;
    hypercall(SET_PTE, PHYSICAL(directory), address & FRAME, *entry);
    return 1;
}
