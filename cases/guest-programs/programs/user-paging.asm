; SPDX-License-Identifier: GPL-2.0-or-later
;
; A user program touches what is not there, what it may only read, and what is its kernel's. The kernel maps a page that is absent,
; makes one that is read-only writable, and ends the program at the third kind.
;
;   00040000  directory        00041000  table of C0000000h, not for users        00042000  table of 08000000h
;   00050000  the program's code, read-only at 08000000h        00060000  its page at 08001000h, once it is there

%include "kernel.inc"

DIRECTORY       equ 0x00040000
TABLE           equ 0xC0042000
AREA            equ 0x08000000

main:
        call    load_gdt
        gate    14, page_fault, INTERRUPT_GATE
        mov     edi, 0xC0041000
        mov     eax, 0x003
.fill:  stosd
        add     eax, 0x1000
        cmp     eax, 0x00100003
        jne     .fill
        mov     dword [DIRECTORY + 768 * 4], 0x00041003
        mov     dword [DIRECTORY + AREA / 0x400000 * 4], 0x00042007
        mov     dword [TABLE], 0x00050005               ; present, user
        mov     esi, VA(program)
        mov     edi, 0xC0050000
        mov     ecx, PROGRAM_SIZE
        rep movsb
        hypercall NEW_PGTABLE, DIRECTORY
        hypercall SET_STACK, KERNEL_DS, KERNEL_STACK, 1
        hypercall FLUSH_TLB, 1
        mov     eax, USER_DS
        mov     ds, eax
        mov     es, eax
        push    dword USER_DS
        push    dword 0
        push    dword 0x202
        push    dword USER_CS
        push    dword AREA
        iretd

program:
        mov     eax, [AREA + 0x1008]                    ; absent
        inc     dword [AREA + 0x1008]                   ; the guest does not notice the second fault, the host's own
        inc     dword [AREA + 0x20]                     ; read-only
        mov     eax, [KERNEL_STACK - 4]                 ; the kernel's
PROGRAM_SIZE    equ $ - program

page_fault:
        say     "fault at "
        mov     eax, [VA(fault_address)]
        call    print_hex
        say     " code "
        mov     eax, [esp]
        call    print_hex
        say     " eip "
        mov     eax, [esp + 4]
        call    print_hex
        say     10
        pop     eax
        test    al, 1
        jz      .absent
        cmp     dword [VA(fault_address)], 0xC0000000
        jae     .kernel
        mov     dword [TABLE], 0x00050007               ; more generous: the host need not know
        iretd
.absent:
        mov     dword [TABLE + 4], 0x00060007
        iretd
.kernel:
        mov     eax, [TABLE]                            ; both pages have been read and written
        call    print_hex
        say     " "
        mov     eax, [TABLE + 4]
        call    print_hex
        say     10
        power_off "Power down"
