/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The first instructions, and the ways into the kernel and out of it. */

#define KERNEL_CS   0x61
#define KERNEL_DS   0x69
#define LGUEST_INIT 1

    .section .head, "ax"
    .globl startup
/* At its physical address, by the host's first page tables. */
startup:
    mov     $LGUEST_INIT, %eax
    mov     $(lguest_data - 0xC0000000), %edx
    int     $0x1F
    mov     $(boot_stack + 4096), %esp
    cld
    mov     $bss_start, %edi
    mov     $bss_end, %ecx
    sub     %edi, %ecx
    xor     %eax, %eax
    rep stosb
    mov     $start_kernel, %eax
    jmp     *%eax

    .text
/* trap_N: all traps come to one place with number and error code on the stack. */
    .macro  trap number, has_error
    .globl  trap_\number
trap_\number:
    .ifeq   \has_error
    push    $0
    .endif
    push    $\number
    jmp     enter_kernel
    .endm

    trap 0, 0
    trap 3, 0
    trap 6, 0
    trap 7, 0
    trap 13, 1
    trap 14, 1
    trap 16, 0
    .irp number, 32, 33, 34, 35, 36, 37, 38, 39, 128
    trap \number, 0
    .endr

enter_kernel:
    push    %gs
    push    %fs
    push    %es
    push    %ds
    pusha
    mov     $KERNEL_DS, %eax
    mov     %eax, %ds
    mov     %eax, %es
    cld
    movl    $0, lguest_data         /* irq_enabled: the kernel itself is not interrupted */
    push    %esp
    call    handle_trap
    add     $4, %esp
    .globl  leave_kernel
leave_kernel:
    popa
    pop     %ds
    pop     %es
    pop     %fs
    pop     %gs
    add     $8, %esp
    push    %eax
    mov     12(%esp), %eax
    and     $0x200, %eax
    .globl  noirq_start
/* From here on a virtual interrupt would find a stack that is half gone. */
noirq_start:
    mov     %eax, %ss:lguest_data
    pop     %eax
    iret
    .globl  noirq_end
noirq_end:

/* void switch_stacks(unsigned *save_to, unsigned new_esp) */
    .globl  switch_stacks
switch_stacks:
    mov     4(%esp), %eax
    mov     8(%esp), %edx
    push    %ebx
    push    %esi
    push    %edi
    push    %ebp
    mov     %esp, (%eax)
    mov     %edx, %esp
    pop     %ebp
    pop     %edi
    pop     %esi
    pop     %ebx
    ret

/* void load_segments(void): from the GDT that the host has been given */
    .globl  load_segments
load_segments:
    mov     $KERNEL_DS, %eax
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %ss
    ljmp    $KERNEL_CS, $1f
1:  ret

    .section .note.GNU-stack, "", @progbits
