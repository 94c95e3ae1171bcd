; SPDX-License-Identifier: GPL-2.0-or-later
;
; The shortest life: INIT, a greeting, power off. Before its own tables a guest has the flat segments that the host gives it.

%include "kernel.inc"

main:
        say     "hello from cs "
        mov     eax, cs
        call    print_hex
        say     " ss "
        mov     eax, ss
        call    print_hex
        say     10
        mov     eax, [VA(reserve_mem)]
        call    print_hex
        say     " bytes are the host's, page tables at "
        mov     eax, [VA(first_directory)]
        call    print_hex
        say     10
        power_off "Power down"
