; SPDX-License-Identifier: GPL-2.0-or-later
;
; Calls that need not be made at once are put into the ring. The next call that is made carries them out first.

%include "kernel.inc"

; later number, edx, ebx, ecx
%macro later 1-4 0, 0, 0
        mov     eax, %1
        mov     edx, %2
        mov     ebx, %3
        mov     ecx, %4
        call    queue
%endmacro

main:
        call    load_gdt
        xor     esi, esi                                ; the ring's next slot

        say     "first", 10
        later   NOTIFY, PA(one)
        later   LOAD_IDT_ENTRY, 6, 0x00610000 | (VA(invalid_opcode) & 0xFFFF), (VA(invalid_opcode) & 0xFFFF0000) | INTERRUPT_GATE
        later   NOTIFY, PA(two)
        hypercall NOTIFY, PA(three)                     ; after the ring
        ud2                                             ; the gate is there

        mov     ebp, 3                                  ; three batches of 21: round the end of the ring
.batch: mov     edi, 21
.call:  later   TS, 0
        dec     edi
        jnz     .call
        hypercall FLUSH_ASYNC
        dec     ebp
        jnz     .batch

        later   NOTIFY, PA(last)                        ; slots 2 and 3
        later   SHUTDOWN, PA(bye), POWEROFF
        hypercall FLUSH_ASYNC
        say     "not reached", 10
        hlt

one:            db "one", 10, 0
two:            db "two", 10, 0
three:          db "three", 10, 0
last:           db "last", 10, 0
bye:            db "from the ring", 0
                times 128 db 0

invalid_opcode:
        say     "handled", 10
        add     dword [esp], 2
        iretd
