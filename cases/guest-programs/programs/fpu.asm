; SPDX-License-Identifier: GPL-2.0-or-later
;
; Two tasks of the kernel share the floating-point unit, whose control word stands for its whole state. The kernel sets TS when it
; switches tasks; the first use traps (vector 7), and only then the control word is exchanged.

%include "kernel.inc"

main:
        call    load_gdt
        gate    7, device_not_available, INTERRUPT_GATE

        fninit                                          ; TS is clear: the guest does not notice
        fnstcw  [VA(word_of_1)]
        call    tell_control

        mov     dword [VA(task)], 1
        hypercall TS, 8
        call    tell_control                            ; traps, once
        fldcw   [VA(value_1)]                           ; does not
        call    tell_control

        mov     dword [VA(task)], 2
        hypercall TS, 8
        say     "task 2 does not use it", 10
        mov     dword [VA(task)], 1
        call    tell_control                            ; traps; the owner is the same

        mov     dword [VA(task)], 2
        hypercall TS, 8
        fldcw   [VA(value_2)]                           ; traps
        call    tell_control

        mov     dword [VA(task)], 1
        hypercall TS, 8
        wait                                            ; traps too
        call    tell_control
        power_off "Power down"

task:           dd 1
owner:          dd 1
word_of_1:      dw 0x37F
word_of_2:      dw 0x37F
value_1:        dw 0x27F
value_2:        dw 0xF7F
control:        dd 0

tell_control:
        fnstcw  [VA(control)]
        say     "control word "
        mov     eax, [VA(control)]
        call    print_hex
        say     10
        ret

; Gives the unit to the task that runs.
device_not_available:
        pushad
        say     "trap 7, owner "
        mov     eax, [VA(owner)]
        call    print_hex
        hypercall TS, 0
        mov     eax, [VA(task)]
        cmp     eax, [VA(owner)]
        je      .same
        mov     ecx, [VA(owner)]
        fnstcw  [VA(word_of_1) + ecx * 2 - 2]
        mov     [VA(owner)], eax
        fldcw   [VA(word_of_1) + eax * 2 - 2]
        say     ", exchanged"
.same:  say     10
        popad
        iretd
