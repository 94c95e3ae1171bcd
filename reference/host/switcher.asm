; SPDX-License-Identifier: GPL-2.0-or-later
;
; Chapter 11: the Switcher. It is mapped at FFC00000h in the address space of the host and of every guest, so that it
; can change page directories under its own feet. It runs with interrupts off at privilege level 0.
;
; After an edit, `npx tsx reference/host/assemble.ts` puts the bytes into switcher-code.ts.

bits 32
org 0xC0540000                  ; where it is linked; the jumps in it are relative

; struct lguest_regs, at the end of the first of this CPU's two pages
REGS             equ 0x0FB8
REGS_TRAPNUM     equ REGS + 0x2C
; struct lguest_ro_state, at the start of the second
HOST_CR3         equ 0x1000
HOST_IDT_DESC    equ 0x1004
HOST_GDT_DESC    equ 0x100A
HOST_SP          equ 0x1010
GUEST_IDT_DESC   equ 0x1014
GUEST_GDT_DESC   equ 0x101A
GUEST_GDT        equ 0x1888

LGUEST_DS        equ 0x58
TSS              equ 0x80       ; selector of the TSS, and offset of its descriptor, in either GDT
ACCESS           equ 5          ; byte of a descriptor that holds its type
NOT_BUSY         equ 0xFD       ; leaves out bit 1: a busy TSS becomes an available one

; ------------------------------------------------------------------------------------------------ into the guest
; EAX: this CPU's pages; EBX: physical address of the guest's shadow page directory.
; On the stack, by PUSHF and the far call: EFLAGS, CS, EIP, as if an interrupt had been taken.

start_switcher_text:
switch_to_guest:
        push    es
        push    ds
        push    gs
        push    fs
        push    ebp
        mov     [eax + HOST_SP], esp
        lea     esp, [eax + REGS]       ; SW-1: the guest's registers, once its page tables are in use
        lgdt    [eax + GUEST_GDT_DESC]
        lidt    [eax + GUEST_IDT_DESC]
        mov     edx, TSS
        ltr     dx                      ; SW-8: busy from here on; for the guest's page tables its page is read-only
        mov     edx, [eax + HOST_GDT_DESC + 2]
        and     byte [edx + TSS + ACCESS], NOT_BUSY     ; the host will load its own TSS again
        mov     cr3, ebx
        pop     eax
        pop     ebx
        pop     ecx
        pop     edx
        pop     esi
        pop     edi
        pop     ebp
        pop     gs                      ; SW-9: a fault in these four leaves trapnum 256
        pop     fs
        pop     ds
        pop     es
        add     esp, 8                  ; SW-7: trapnum and errcode of the last exit
        iret                            ; SW-5 SW-10 E-55

; ----------------------------------------------------------------------------------------------- out of the guest
; SW-2 SW-6 SW-14 SW-16: The processor has pushed SS, ESP, EFLAGS, CS, EIP and perhaps an error code at the end of struct lguest_regs; a stub
; has pushed the rest up to the vector. Afterwards: EAX: this CPU's pages; EBX: the vector; the host's stack.

%macro leave_guest 0
        push    es
        push    ds
        push    fs
        push    gs
        push    ebp
        push    edi
        push    esi
        push    edx
        push    ecx
        push    ebx
        push    eax
        mov     eax, LGUEST_DS
        mov     ds, eax
        mov     eax, esp
        and     eax, 0xFFFFF000         ; also right when the stack was not at its top
        mov     ebx, [eax + REGS_TRAPNUM]               ; SW-3: while the guest's page is still there
        mov     edx, [eax + HOST_CR3]
        mov     cr3, edx
        and     byte [eax + GUEST_GDT + TSS + ACCESS], NOT_BUSY         ; SW-8
        lgdt    [eax + HOST_GDT_DESC]
        lidt    [eax + HOST_IDT_DESC]
        mov     esp, [eax + HOST_SP]
        mov     edx, TSS
        ltr     dx
        pop     ebp
        pop     fs
        pop     gs
        pop     ds
        pop     es
%endmacro

; SW-11: a trap: back to the far call.
return_to_host:
        leave_guest
        iret

; SW-12 LEAVE-9: an interrupt: on to the host's own handler, whose IRET goes back to the far call.
deliver_to_host:
        leave_guest
        mov     edx, [eax + HOST_IDT_DESC + 2]
        lea     edx, [edx + ebx * 8]
        mov     eax, [edx + 4]
        and     eax, 0xFFFF0000
        movzx   edx, word [edx]
        or      edx, eax
        jmp     edx

; SW-13: an NMI is dropped: the two words of the stub, and back to wherever it came from.
handle_nmi:
        add     esp, 8
        iret

; -------------------------------------------------------------------------------------------------------- stubs
; One for each vector: a zero where the processor pushes no error code (SW-4), then the vector (SW-3). INT n with one of the
; seven vectors that have an error code pushes none either, and all that follows is one word off (SW-17 E-56).

%macro stub 1
stub_%1:
    %if %1 != 8 && (%1 < 10 || %1 > 14) && %1 != 17
        push    dword 0
    %endif
        push    dword %1
    %if %1 == 2
        jmp     handle_nmi
    %elif %1 < 32 || %1 == 128
        jmp     return_to_host
    %else
        jmp     deliver_to_host
    %endif
%endmacro

%assign vector 0
%rep 256
        stub    vector
    %assign vector vector + 1
%endrep

end_switcher_text:

; Not part of the text that is mapped: the host's table of the stubs' addresses.
default_idt_entries:
%assign vector 0
%rep 256
        dd      stub_ %+ vector
    %assign vector vector + 1
%endrep
