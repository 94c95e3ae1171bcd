; SPDX-License-Identifier: GPL-2.0-or-later
;
; Two threads with a segment of their own in GS. The kernel clears GS before each switch, but for the last one, which takes the segment
; away while it is loaded: that call ends at C001080Ch.

%include "kernel.inc"

TLS             equ 0x33                                ; entry 6, level 3

; segment label: a descriptor of 4 bytes at the label, for users.
%macro segment_at 1
        dd      ((PA(%1) & 0xFFFF) << 16) | 3
        dd      0x0040F300 | ((PA(%1) >> 16) & 0xFF)
%endmacro

main:
        call    load_gdt
        hypercall LOAD_TLS, PA(thread_a)
        call    tell
        hypercall LOAD_TLS, PA(thread_b)
        call    tell
        xor     esi, esi
        mov     eax, LOAD_TLS
        mov     edx, PA(thread_a)
        call    queue
        hypercall FLUSH_ASYNC                           ; by the ring
        call    tell
        mov     eax, TLS
        mov     gs, eax
        jmp     last

tell:
        mov     eax, TLS
        mov     gs, eax
        mov     eax, [gs:0]
        mov     ebx, 0
        mov     gs, ebx
        say     "thread "
        call    print_hex
        say     10
        ret

thread_a:
        segment_at value_a
        dq      0, 0
thread_b:
        segment_at value_b
        dq      0, 0
nothing:
        dq      0, 0, 0
value_a:        dd 0x0000000A
value_b:        dd 0x0000000B

        times   0x800 - ($ - $$) db 0x90
last:
        hypercall LOAD_TLS, PA(nothing)
        say     "not reached", 10
