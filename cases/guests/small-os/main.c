/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The life of the system: what it finds, its programs, and its end. */

#include "kernel.h"

#define E820_FIRST_SIZE 0x2D8
#define MEBIBYTE        0x100000u
#define BOOT_COUNT_SECTOR 2u

u8 boot_stack[PAGE_SIZE] __attribute__((aligned(4096)));
static u32 sector[128] __attribute__((aligned(512)));

/* Sector 0 is read, sector 1 written and read again. */
static void try_disk(void)
{
    disk_read(0, sector);
    print("sector 0: %x\n", sector[0]);
    for (u32 i = 0; i < 128; i++)
        sector[i] = i * 0x01010101u;
    disk_write(1, sector, 1);
    memset(sector, 0, sizeof sector);
    disk_read(1, sector);
    print("sector 1: %x\n", sector[127]);
}

/* How often this disk has been booted from, this time included. */
static u32 count_boot(void)
{
    disk_read(BOOT_COUNT_SECTOR, sector);
    sector[0]++;
    disk_write(BOOT_COUNT_SECTOR, sector, 1);
    return sector[0];
}

static u8 in_byte(u16 port)
{
    u8 value;

    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void misbehave(void)
{
    if (option("panic"))
        shut_down("Panic: as the command line wishes", 0);
    if (option("loop"))
        for (;;)
            ;
    while (option("flood"))
        print("flood ");
    if (option("wild"))
        *(volatile u32 *)0xD0000000u = 1;
    if (option("ring"))
        hypercall(NOTIFY, 0x7FFFF000u, 0, 0);
}

void start_kernel(void)
{
    u32 size = *(u32 *)VIRTUAL(E820_FIRST_SIZE);

    load_tables();
    print("small-os: %u MiB, port 64h reads %x\n", size / MEBIBYTE, in_byte(0x64));
    check_processor();
    init_memory(size);
    init_processes();
    init_devices(size);
    print("hello from the console\n");
    if (has_disk())
        try_disk();
    if (option("random"))
        print("random: %s\n", random_word() != random_word() ? "yes" : "no");
    misbehave();

    u32 before = free_pages();
    run_processes();
    print("%s\n", free_pages() >= before ? "no page is lost" : "pages are lost");
    if (option("reboot") && has_disk() && count_boot() == 1)
        shut_down("Restart", 1);
    shut_down("Power down", 0);
}
