; SPDX-License-Identifier: GPL-2.0-or-later
;
; A kernel with its own GDT and IDT makes one mistake after the other. Each handler tells its name, its error code if it has one,
; and irq_enabled, which an interrupt gate has cleared and a trap gate has not. It goes on at the address in `resume`.

%include "kernel.inc"

; mistake instruction: what comes after it is where the handler goes on.
%macro mistake 1+
        mov     dword [VA(irq_enabled)], 0x200
        mov     dword [VA(resume)], VA(%%next)
        %1
%%next:
%endmacro

main:
        call    load_gdt
        gate    0, divide_error, INTERRUPT_GATE
        gate    3, breakpoint, TRAP_GATE + FOR_KERNEL
        gate    4, overflow, TRAP_GATE + FOR_KERNEL
        gate    5, bound_range, INTERRUPT_GATE
        gate    6, invalid_opcode, TRAP_GATE
        gate    11, not_present, INTERRUPT_GATE
        gate    12, stack_fault, TRAP_GATE
        gate    13, protection, INTERRUPT_GATE

        xor     ecx, ecx
        mistake div ecx
        mistake int3
        mov     al, 0x7F
        add     al, 1
        mistake into
        mov     eax, 3
        mistake bound eax, [VA(one_to_two)]
        mistake ud2
        mov     esi, 0x49                       ; a segment that is not present
        mistake mov fs, esi
        mistake mov ss, esi
        mov     esi, 0x51                       ; the Switcher's code
        mistake mov gs, esi
        mistake hlt
        mistake int 0x21                        ; no gate
        mistake mov cr3, ecx
        power_off "Power down"

one_to_two:     dd 1, 2
resume:         dd 0

%macro handler 2        ; label, text: of an exception without error code
%1:
        say     %2
        jmp     go_on
%endmacro

%macro handler_with_code 2
%1:
        say     %2, " "
        xchg    eax, [esp]
        call    print_hex
        pop     eax
        jmp     go_on
%endmacro

handler divide_error, "divide error"
handler breakpoint, "breakpoint"
handler overflow, "overflow"
handler bound_range, "bound range"
handler invalid_opcode, "invalid opcode"
handler_with_code not_present, "not present"
handler_with_code stack_fault, "stack fault"
handler_with_code protection, "protection"

go_on:
        say     ", interrupts "
        push    eax
        mov     eax, [VA(irq_enabled)]
        call    print_hex
        mov     eax, [VA(resume)]
        mov     [esp + 4], eax
        pop     eax
        say     10
        iretd
