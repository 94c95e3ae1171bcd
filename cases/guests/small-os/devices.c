/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The devices that the page behind the memory describes: console, disk, random numbers. */

#include "kernel.h"

enum device_type { NO_DEVICE, NETWORK, BLOCK, CONSOLE, RANDOM };
enum status { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4 };

#define QUEUE_SIZE   256u
#define NEXT         1u
#define DEVICE_WRITES 2u
#define SECTOR_SIZE  512u
#define INPUT_SIZE   256u

struct queue_config { u16 size, irq; u32 page; } __attribute__((packed));

struct descriptor {
    u8 type, queue_count, feature_length, config_length, status;
    struct queue_config queues[];
} __attribute__((packed));

struct ring {
    struct { u64 address; u32 length; u16 flags, next; } buffers[QUEUE_SIZE];
    u16 available_flags, available_index, available[QUEUE_SIZE];
    u8 padding[PAGE_SIZE - 4 - 2 * QUEUE_SIZE];
    u16 used_flags;
    volatile u16 used_index;
    struct { u32 id, length; } used[QUEUE_SIZE];
};

/* A queue that has one chain at a time, which begins with buffer 0. */
struct queue {
    struct ring *ring;
    u32 irq, page;
    u16 seen;
};

static struct queue console_in, console_out, disk, random;
static u8 *input;

static void set_status(struct descriptor *device, u8 status)
{
    device->status = status;
    hypercall(NOTIFY, PHYSICAL(device), 0, 0);
}

static void open_queue(struct queue *queue, const struct descriptor *device, u32 number)
{
    struct queue_config config = device->queues[number];

    queue->ring = VIRTUAL(config.page * PAGE_SIZE);
    queue->irq = config.irq;
    queue->page = config.page;
    queue->seen = 0;
}

/* Buffer `number` of the chain; it is the last one until another follows. */
static void add_buffer(struct queue *queue, u32 number, const void *buffer, u32 length, u32 flags)
{
    struct ring *ring = queue->ring;

    ring->buffers[number].address = PHYSICAL(buffer);
    ring->buffers[number].length = length;
    ring->buffers[number].flags = flags;
    ring->buffers[number].next = 0;
    if (number > 0) {
        ring->buffers[number - 1].flags |= NEXT;
        ring->buffers[number - 1].next = number;
    }
}

static void kick(struct queue *queue)
{
    struct ring *ring = queue->ring;

    ring->available[ring->available_index % QUEUE_SIZE] = 0;
    asm volatile("" : : : "memory");
    ring->available_index++;
    hypercall(NOTIFY, queue->page * PAGE_SIZE, 0, 0);
}

static int is_used(const struct queue *queue)
{
    return queue->ring->used_index != queue->seen;
}

/* How much the device has written. */
static u32 take_used(struct queue *queue)
{
    return queue->ring->used[queue->seen++ % QUEUE_SIZE].length;
}

static u32 finish(struct queue *queue)
{
    while (!is_used(queue))
        wait_for_interrupt();
    return take_used(queue);
}

/* ----------------------------------------------------------------------------------------------- console */

static void print_on_console(const char *bytes, u32 count)
{
    add_buffer(&console_out, 0, bytes, count, 0);
    kick(&console_out);
    finish(&console_out);
}

static void listen(void)
{
    add_buffer(&console_in, 0, input, INPUT_SIZE, DEVICE_WRITES);
    kick(&console_in);
}

int take_line(char *to, u32 size)
{
    u32 count;

    if (console_in.ring == 0 || !is_used(&console_in))
        return -1;
    count = take_used(&console_in);
    if (count > size)
        count = size;
    memcpy(to, input, count);
    listen();
    return count;
}

/* -------------------------------------------------------------------------------------------------- disk */

struct disk_request { u32 type, priority; u64 sector; };
#define DISK_WRITE   1u
#define DISK_BARRIER 0x80000000u

int has_disk(void)
{
    return disk.ring != 0;
}

static void disk_transfer(u32 type, u32 sector, const void *data)
{
    struct disk_request request = { type, 0, sector };
    u8 status = 0xFF;

    add_buffer(&disk, 0, &request, sizeof request, 0);
    add_buffer(&disk, 1, data, SECTOR_SIZE, (type & DISK_WRITE) ? 0 : DEVICE_WRITES);
    add_buffer(&disk, 2, &status, 1, DEVICE_WRITES);
    kick(&disk);
    finish(&disk);
    if (*(volatile u8 *)&status != 0)
        shut_down("Disk error", 0);
}

void disk_read(u32 sector, void *to)
{
    disk_transfer(0, sector, to);
}

void disk_write(u32 sector, const void *from, int barrier)
{
    disk_transfer(DISK_WRITE | (barrier ? DISK_BARRIER : 0), sector, from);
}

u32 random_word(void)
{
    static u32 word;

    if (random.ring == 0)
        return 0;
    add_buffer(&random, 0, &word, sizeof word, DEVICE_WRITES);
    kick(&random);
    finish(&random);
    return word;
}

/* --------------------------------------------------------------------------------------------- all of them */

static void start_device(struct descriptor *device)
{
    set_status(device, 0);
    set_status(device, ACKNOWLEDGE);
    set_status(device, ACKNOWLEDGE | DRIVER);
    switch (device->type) {
    case CONSOLE:
        open_queue(&console_in, device, 0);
        open_queue(&console_out, device, 1);
        break;
    case BLOCK:
        if (disk.ring == 0)
            open_queue(&disk, device, 0);
        break;
    case RANDOM:
        open_queue(&random, device, 0);
        break;
    }
    set_status(device, ACKNOWLEDGE | DRIVER | DRIVER_OK);
    print("device %u: %u queues, irq %u\n", device->type, device->queue_count, device->queues[0].irq);
}

void init_devices(u32 page)
{
    struct descriptor *device = VIRTUAL(page);

    while (device->type != NO_DEVICE) {
        u32 size = sizeof *device + device->queue_count * sizeof(struct queue_config) +
                   2 * device->feature_length + device->config_length;
        start_device(device);
        device = (void *)((u8 *)device + size);
    }
    if (console_in.ring == 0)
        return;
    print_bytes = print_on_console;
    input = new_page();
    listen();
}

/* What waits for a device looks at its ring: the interrupt has only to come. */
int device_interrupt(u32 irq)
{
    return irq == console_in.irq || irq == console_out.irq || irq == disk.irq || irq == random.irq;
}
