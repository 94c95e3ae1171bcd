; SPDX-License-Identifier: GPL-2.0-or-later
;
; A guest whose handler of invalid opcodes begins with one.

%include "kernel.inc"

main:
        call    load_gdt
        gate    6, again, INTERRUPT_GATE
        say     "down and down", 10
again:
        ud2
