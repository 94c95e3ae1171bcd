; SPDX-License-Identifier: GPL-2.0-or-later
;
; A driver and its device in the launcher. A NOTIFY of an address at 00090000h kicks a device, which answers with interrupts.

%include "kernel.inc"

ONE             equ 0x00090000          ; answers with interrupt 1
BOTH            equ 0x00091000          ; answers with interrupts 3 and 2, in this order

main:
        call    load_gdt
        gate    33, interrupt_1, INTERRUPT_GATE
        gate    34, interrupt_2, INTERRUPT_GATE
        gate    35, interrupt_3, INTERRUPT_GATE

        say     "on", 10
        mov     dword [VA(irq_enabled)], 0x200
        hypercall NOTIFY, ONE
        say     "back", 10

        say     "off", 10                               ; the handler has returned with interrupts off
        hypercall NOTIFY, ONE
        hypercall NOTIFY, ONE                           ; two requests become one interrupt
        mov     dword [VA(irq_enabled)], 0x200
        say     "late", 10                              ; comes with this call

        mov     dword [VA(irq_enabled)], 0
        mov     dword [VA(blocked_interrupts)], 4       ; not 2
        say     "both, 2 blocked", 10
        hypercall NOTIFY, BOTH
        mov     dword [VA(irq_enabled)], 0x200
        hypercall FLUSH_ASYNC
        mov     dword [VA(blocked_interrupts)], 0
        mov     dword [VA(irq_enabled)], 0x200
        hypercall FLUSH_ASYNC

        mov     dword [VA(irq_enabled)], 0
        say     "both", 10                              ; the lower number first
        hypercall NOTIFY, BOTH
        mov     dword [VA(irq_enabled)], 0x200
        hypercall FLUSH_ASYNC
        mov     dword [VA(irq_enabled)], 0x200
        hypercall FLUSH_ASYNC

        mov     dword [VA(irq_enabled)], 0
        say     "idle", 10                              ; until there is input
        hypercall HALT
        say     "input", 10
        power_off "Power down"

interrupt_1:
        say     "interrupt 1", 10
        iretd
interrupt_2:
        say     "interrupt 2", 10
        iretd
interrupt_3:
        say     "interrupt 3", 10
        iretd
