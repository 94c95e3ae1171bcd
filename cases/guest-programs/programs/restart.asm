; SPDX-License-Identifier: GPL-2.0-or-later
;
; A guest that wants to be started again.

%include "kernel.inc"

main:
        say     "again", 10
        hypercall SHUTDOWN, PA(why), RESTART
        say     "not reached", 10
why:    db      "Restarting system", 0
        times   128 db 0
