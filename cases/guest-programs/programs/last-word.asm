; SPDX-License-Identifier: GPL-2.0-or-later
;
; A guest that ends itself by a call in the ring, and says one more thing with the call that sends it.

%include "kernel.inc"

main:
        xor     esi, esi
        mov     eax, SHUTDOWN
        mov     edx, PA(why)
        mov     ebx, POWEROFF
        xor     ecx, ecx
        call    queue
        say     "one more thing", 10
        say     "not reached", 10
why:    db      "Power down", 0
        times   128 db 0
