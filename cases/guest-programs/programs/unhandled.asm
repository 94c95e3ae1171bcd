; SPDX-License-Identifier: GPL-2.0-or-later
;
; A mistake before there is an IDT. It stands at C0010800h.

%include "kernel.inc"

main:
        say     "no handlers", 10
        jmp     mistake
        times   0x800 - ($ - $$) db 0x90
mistake:
        ud2
