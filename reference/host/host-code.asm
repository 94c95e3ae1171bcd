; SPDX-License-Identifier: GPL-2.0-or-later
;
; The few places where the host kernel has to be machine code. Everything else of it is TypeScript: a HLT hands over.
;
; After an edit, `npx tsx reference/host/assemble.ts` puts the bytes into host-code-bytes.ts.

bits 32
org 0xC0502000

LGUEST_ENTRY     equ 0xC0502080         ; the far pointer, written by the host

; The far call leaves the stack as an interrupt would; the Switcher comes back with an IRET.
run_guest_once:
        pushfd
        call    far [LGUEST_ENTRY]
        hlt

        align   16, db 0
write_cr4:
        mov     cr4, eax
        hlt

        times   0x100 - ($ - $$) db 0
; The host's interrupt handlers, one for each vector, four bytes apart.
interrupt_handlers:
%rep 256
        hlt
        iret
        align   4, db 0
%endrep
