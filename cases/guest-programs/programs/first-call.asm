; SPDX-License-Identifier: GPL-2.0-or-later
;
; A guest that makes another call before INIT. It begins at 00010800h.

%include "kernel.inc"

main:
        hlt
text:   db      "too early", 10, 0

        times   0x800 - ($ - $$) db 0x90
        hypercall NOTIFY, PA(text)
        hlt
