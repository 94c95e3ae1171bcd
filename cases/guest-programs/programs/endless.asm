; SPDX-License-Identifier: GPL-2.0-or-later
;
; A guest that turns its interrupts off and never ends.

%include "kernel.inc"

main:
        say     "for ever", 10
        jmp     $
