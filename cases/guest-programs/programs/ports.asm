; SPDX-License-Identifier: GPL-2.0-or-later
;
; A kernel looks for hardware by IN and OUT, as kernels do, and finds an empty bus. What the emulation does not know it is told
; as a protection fault.

%include "kernel.inc"

; probe instruction: tells EAX after it.
%macro probe 1+
        mov     eax, 0x12345678
        %1
        call    print_hex
        say     " "
%endmacro

main:
        call    load_gdt
        gate    13, protection, INTERRUPT_GATE
        mov     edx, 0x3F8
        probe   in eax, dx
        probe   in eax, 0x60
        probe   out dx, al
        probe   out 0x80, ax
        probe   out dx, eax
        say     10
        probe   in al, dx
        probe   in al, 0x60
        probe   in ax, dx
        say     10
        mov     ecx, 1
        mov     edi, 0xC0050000
        probe   insb
        probe   rep outsd
        power_off "Power down"

; Skips INSB (one byte) and REP OUTSD (two).
protection:
        say     "protection "
        xchg    eax, [esp]
        call    print_hex
        pop     eax
        say     10
        push    eax
        mov     eax, [esp + 4]
        cmp     byte [eax], 0xF3
        jne     .one
        inc     dword [esp + 4]
.one:   inc     dword [esp + 4]
        pop     eax
        iretd
