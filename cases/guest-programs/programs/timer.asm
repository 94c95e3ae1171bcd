; SPDX-License-Identifier: GPL-2.0-or-later
;
; A guest and its clock: it sleeps until a tick, waits for one awake, moves its timer, cancels it, sleeps for as long as one
; can, and stops. The handler tells the wall clock.

%include "kernel.inc"

main:
        call    load_gdt
        gate    32, tick, INTERRUPT_GATE

        say     "asleep", 10
        hypercall SET_CLOCKEVENT, 1000000
        hypercall HALT
        call    tell_flag

        say     "awake", 10
        hypercall SET_CLOCKEVENT, 300
        mov     dword [VA(irq_enabled)], 0x200
        mov     ecx, 1000
.spin:  dec     ecx
        jnz     .spin

        say     "later", 10                             ; the second call counts
        hypercall SET_CLOCKEVENT, 100
        hypercall SET_CLOCKEVENT, 2000000
        hypercall HALT

        say     "earlier", 10
        hypercall SET_CLOCKEVENT, 2000000
        hypercall SET_CLOCKEVENT, 100
        hypercall HALT

        say     "longest", 10
        hypercall SET_CLOCKEVENT, 0xFFFFFFFF
        hypercall HALT

        say     "cancelled", 10                         ; nothing comes
        mov     dword [VA(irq_enabled)], 0x200
        hypercall SET_CLOCKEVENT, 300
        hypercall SET_CLOCKEVENT, 0
        mov     ecx, 1000
.wait:  dec     ecx
        jnz     .wait

        say     "blocked", 10                           ; comes when it is allowed to
        mov     dword [VA(blocked_interrupts)], 1
        hypercall SET_CLOCKEVENT, 300
        mov     ecx, 1000
.busy:  dec     ecx
        jnz     .busy
        say     "unblocked", 10
        mov     dword [VA(irq_enabled)], 0x200
        mov     dword [VA(blocked_interrupts)], 0
        hypercall FLUSH_ASYNC

        say     "for ever", 10
        hypercall HALT
        say     "not reached", 10
        hlt

tell_flag:
        say     "interrupts "
        push    eax
        mov     eax, [VA(irq_enabled)]
        call    print_hex
        pop     eax
        say     10
        ret

tick:
        pushad
        say     "tick at "
        mov     eax, [VA(time_sec)]
        call    print_hex
        say     "."
        mov     eax, [VA(time_nsec)]
        call    print_hex
        say     10
        popad
        iretd
