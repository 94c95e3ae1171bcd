; SPDX-License-Identifier: GPL-2.0-or-later
;
; Two user programs that never give up the processor, each in its own address space, and a timer that takes it from them.
; The kernel tells at each tick whose turn is over; after six ticks it tells whether each has counted.
;
;   0003F000  table of C0000000h        00040000, 00048000  directory, table of 08000000h, page of the program

%include "kernel.inc"

KERNEL_TABLE    equ 0xC003F000
SPACE_A         equ 0x00040000
SPACE_B         equ 0x00048000
AREA            equ 0x08000000
SLICE           equ 500                                 ; nanoseconds
TICKS           equ 6

; space directory: maps the table and the page behind it at AREA, and copies the program there.
%macro space 1
        mov     dword [%1 + 0xC0000000 + 768 * 4], 0x0003F003
        mov     dword [%1 + 0xC0000000 + AREA / 0x400000 * 4], %1 + 0x1007
        mov     dword [%1 + 0xC0001000], %1 + 0x2007
        mov     esi, VA(program)
        mov     edi, %1 + 0xC0002000
        mov     ecx, PROGRAM_SIZE
        rep movsb
%endmacro

main:
        call    load_gdt
        gate    32, tick, INTERRUPT_GATE
        mov     edi, KERNEL_TABLE
        mov     eax, 0x003
.fill:  stosd
        add     eax, 0x1000
        cmp     eax, 0x00100003
        jne     .fill
        space   SPACE_A
        space   SPACE_B
        hypercall NEW_PGTABLE, SPACE_A
        hypercall SET_STACK, KERNEL_DS, KERNEL_STACK, 1
        hypercall SET_CLOCKEVENT, SLICE
        mov     eax, USER_DS
        mov     ds, eax
        mov     es, eax
        push    dword USER_DS
        push    dword 0
        push    dword 0x202
        push    dword USER_CS
        push    dword AREA + 4
        mov     dword [VA(irq_enabled)], 0x200
        iretd

; At AREA: a counter, then what counts it.
program:
        dd      0
.again: inc     dword [AREA]
        jmp     .again
PROGRAM_SIZE    equ $ - program

; All that a program has is its EIP and flags, which change places with those of the other one.
tick:
        mov     al, [VA(name)]
        call    print_char
        xor     byte [VA(name)], "A" ^ "B"
        mov     eax, [esp]
        xchg    eax, [VA(other_eip)]
        mov     [esp], eax
        mov     eax, [esp + 8]
        xchg    eax, [VA(other_eflags)]
        mov     [esp + 8], eax
        dec     dword [VA(ticks)]
        jz      done
        xor     dword [VA(space_in_use)], SPACE_A ^ SPACE_B
        hypercall NEW_PGTABLE, [VA(space_in_use)]
        hypercall SET_STACK, KERNEL_DS, KERNEL_STACK, 1
        hypercall SET_CLOCKEVENT, SLICE
        mov     dword [VA(irq_enabled)], 0x200
        iretd

done:
        say     10
        mov     eax, [SPACE_A + 0xC0002000]
        call    has_counted
        mov     eax, [SPACE_B + 0xC0002000]
        call    has_counted
        power_off "Power down"

; Three slices of 500 instructions are 750 rounds of two, less what the first faults and the kernel's way out have cost.
has_counted:
        cmp     eax, 700
        jb      .no
        cmp     eax, 760
        ja      .no
        say     "counted", 10
        ret
.no:    call    print_hex
        say     10
        ret

name:           db "A"
                align 4, db 0
other_eip:      dd AREA + 4
other_eflags:   dd 0x202
space_in_use:   dd SPACE_A
ticks:          dd TICKS
