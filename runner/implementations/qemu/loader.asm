; SPDX-License-Identifier: GPL-2.0-or-later
;
; The firmware of the virtual machine: the last 512 bytes of its 64 KiB ROM (nasm -f bin loader.asm).
;
; A case starts and ends in system management mode. A system management interrupt (SMI) saves the whole
; processor, cached descriptors included, in memory, whatever state it is in, and RSM loads all of it back. So the
; handler below only has to exchange the saved state for another one: no case needs a page, a descriptor or an
; instruction for the loader's sake. Intel SDM volume 3, chapter "System Management Mode".
;
; At reset the firmware moves the handler's base to SMBASE, makes pin LINT1 of the local APIC raise SMI (the
; monitor's command inject-nmi pulls that pin), says READY and halts.

CONTROL     equ 0x01000000                  ; words shared with the runner: control-block.ts has the same list
GENERATION  equ CONTROL + 0x000             ; how many exchanges have been made
READY       equ CONTROL + 0x004             ; 1 when the handler is in place
PAGE_COUNT  equ CONTROL + 0x008             ; how many pages to copy from STAGING
GIVEN       equ CONTROL + 0x010             ; to load: CR2, SYSENTER_CS, SYSENTER_ESP, SYSENTER_EIP
FOUND       equ CONTROL + 0x020             ; the same four as they were found
GIVEN_SAVE  equ CONTROL + 0x200             ; to load: the state save area
FOUND_SAVE  equ CONTROL + 0x400             ; the state save area as it was found
PAGE_LIST   equ CONTROL + 0x1000            ; where each page of STAGING goes
SMBASE      equ CONTROL + 0x10000
STAGING     equ CONTROL + 0x100000

SAVE_AREA   equ 0xfe00                      ; from SMBASE: the part of the state save area that is in use
SAVE_WORDS  equ 128
SAVED_BASE  equ 0xfef8                      ; from SMBASE: RSM takes the new SMBASE from here
ENTRY       equ 0x8000                      ; from SMBASE: where the handler begins
RESET_BASE  equ 0x30000                     ; SMBASE after reset

ROM         equ 0xffff0000
LVT_LINT1   equ 0xfee00360
ICR_LOW     equ 0xfee00300
ICR_HIGH    equ 0xfee00310
DELIVER_SMI equ 0x00000200
TO_MYSELF   equ 0x00044000                  ; destination shorthand "self", level asserted
PGE         equ 0x80
SYSENTER_CS equ 0x174                       ; the first of three MSRs
PAGE_WORDS  equ 1024

            bits 16
            org 0xfe00

; The handler. System management mode begins like real mode, with data segments of base 0 and limit 4 GiB.
exchange:   cld
            mov eax, cr2
            mov edi, FOUND
            a32 stosd
            mov ecx, SYSENTER_CS
.store_msr: rdmsr
            a32 stosd
            inc cx
            cmp cx, SYSENTER_CS + 3
            jne .store_msr
            mov esi, SMBASE + SAVE_AREA
            mov edi, FOUND_SAVE
            mov ecx, SAVE_WORDS
            a32 rep movsd

; Memory is copied here and not by the runner, so that the processor sees that code has been modified.
            mov ebx, [dword PAGE_COUNT]
            mov ebp, PAGE_LIST
            mov esi, STAGING
.next_page: test ebx, ebx
            jz .load
            mov edi, [ebp]
            mov ecx, PAGE_WORDS
            a32 rep movsd
            add ebp, 4
            dec ebx
            jmp .next_page

.load:      mov esi, GIVEN
            a32 lodsd
            mov cr2, eax
            mov ecx, SYSENTER_CS
            xor edx, edx
.load_msr:  a32 lodsd
            wrmsr
            inc cx
            cmp cx, SYSENTER_CS + 3
            jne .load_msr
            xor eax, eax
            mov dr0, eax
            mov dr1, eax
            mov dr2, eax
            mov dr3, eax
            fninit
            mov cx, 8                       ; FNINIT leaves what is in the registers
.next_st:   fldz
            loop .next_st
            fninit
            mov al, PGE                     ; changing PGE drops every translation, global ones too
            mov cr4, eax
            mov al, 0
            mov cr4, eax
            mov esi, GIVEN_SAVE
            mov edi, SMBASE + SAVE_AREA
            mov ecx, SAVE_WORDS
            a32 rep movsd
            inc dword [dword GENERATION]
            rsm
exchange_end:

; The handler of the first SMI after a reset.
relocate:   mov dword [cs:SAVED_BASE], SMBASE
            mov dword [dword READY], 1
            rsm
relocate_end:

; Reset leads here: 16-bit code at the top of the address space. Data segments are made flat to reach RAM and APIC.
start:      cli
            cld
            o32 lgdt [cs:table_register]
            mov eax, cr0
            or al, 1
            mov cr0, eax
            mov ax, 8
            mov ds, ax
            mov es, ax
            mov esi, ROM + relocate
            mov edi, RESET_BASE + ENTRY
            mov ecx, relocate_end - relocate
            a32 rep movsb
            mov esi, ROM + exchange
            mov edi, SMBASE + ENTRY
            mov ecx, exchange_end - exchange
            a32 rep movsb
            mov dword [dword LVT_LINT1], DELIVER_SMI
            mov dword [dword ICR_HIGH], 0
            mov dword [dword ICR_LOW], TO_MYSELF | DELIVER_SMI
.wait:      cmp dword [dword READY], 1
            jne .wait
.rest:      hlt
            jmp .rest

            align 8
table:      dq 0
            dq 0x00cf93000000ffff           ; flat data
table_register:
            dw table_register - table - 1
            dd ROM + table

            times 0xfff0 - 0xfe00 - ($ - $$) db 0
            jmp start                       ; the reset vector
            times 0x200 - ($ - $$) db 0
