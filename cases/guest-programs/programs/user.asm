; SPDX-License-Identifier: GPL-2.0-or-later
;
; A user program that asks its kernel for things by INT 80h, a direct trap, and then for what it must not have.

%include "kernel.inc"

SYS_WRITE       equ 4           ; EBX: address of the text
SYS_ADD         equ 5           ; EBX + ECX, in EAX
SYS_EXIT        equ 1

%macro syscall 1-3
    %if %0 > 1
        mov     ebx, %2
    %endif
    %if %0 > 2
        mov     ecx, %3
    %endif
        mov     eax, %1
        int     0x80
%endmacro

main:
        call    load_gdt
        gate    0x80, system_call, TRAP_GATE + FOR_USERS
        gate    13, protection, INTERRUPT_GATE
        hypercall SET_STACK, KERNEL_DS, KERNEL_STACK, 1
        mov     eax, USER_DS
        mov     ds, eax
        mov     es, eax
        push    dword USER_DS
        push    dword USER_STACK
        push    dword 0x202
        push    dword USER_CS
        push    dword PA(user)
        iretd

; ------------------------------------------------------------------------------------------------- user, level 3

user:
        syscall SYS_WRITE, PA(greeting)
        syscall SYS_ADD, 0x12340000, 0x5678
        cmp     eax, 0x12345678
        jne     .wrong
        syscall SYS_WRITE, PA(added)
.wrong:
        int     0x1F                            ; a hypercall
        hlt
        in      al, 0x60
        int     0x21
        cli
        mov     eax, KERNEL_DS
        mov     ds, eax
        syscall SYS_EXIT

greeting:       db "user: hello", 10, 0
added:          db "user: the sum is right", 10, 0

; ------------------------------------------------------------------------------------------------- kernel

system_call:
        cmp     eax, SYS_ADD
        je      .add
        cmp     eax, SYS_EXIT
        je      .exit
        push    ebx
        call    print
        iretd
.add:   lea     eax, [ebx + ecx]
        iretd
.exit:  say     "kernel: exit, user stack at "
        mov     eax, [esp + 12]
        call    print_hex
        say     ", own at "
        mov     eax, esp
        call    print_hex
        say     10
        power_off "Power down"

; Tells error code and level, and skips the instruction, whose length is in a table by its first byte.
protection:
        say     "kernel: protection "
        xchg    eax, [esp]
        call    print_hex
        pop     eax
        push    eax
        push    ebx
        say     " at level "
        mov     eax, [esp + 12]
        and     al, 3
        add     al, "0"
        call    print_char
        say     10
        mov     eax, [esp + 8]
        mov     al, [eax]
        mov     ebx, VA(lengths)
.find:  cmp     al, [ebx]
        je      .found
        add     ebx, 2
        jmp     .find
.found: movzx   eax, byte [ebx + 1]
        add     [esp + 8], eax
        pop     ebx
        pop     eax
        iretd

lengths:        db 0xCD, 2, 0xF4, 1, 0xE4, 2, 0xFA, 1, 0x8E, 2
