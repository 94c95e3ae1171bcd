; SPDX-License-Identifier: GPL-2.0-or-later
;
; A guest that is busy and makes no call, while the launcher has something for it.

%include "kernel.inc"

KEYS            equ 3

main:
        call    load_gdt
        gate    33, key, INTERRUPT_GATE
        say     "busy", 10
        mov     dword [VA(irq_enabled)], 0x200
.wait:  cmp     dword [VA(keys)], KEYS
        jne     .wait
        power_off "Power down"

key:
        say     "key", 10
        inc     dword [VA(keys)]
        mov     dword [VA(irq_enabled)], 0x200
        iretd

keys:           dd 0
