; SPDX-License-Identifier: GPL-2.0-or-later
;
; A kernel that leaves the host's page tables for its own, maps pages when they are touched, shares a page and copies it on
; the first write, and takes a page away again.
;
;   00040000  directory           00041000  table of C0000000h       00042000  table of 08000000h
;   00050000  the shared page     00060000  pages to give out

%include "kernel.inc"

DIRECTORY       equ 0xC0040000
KERNEL_TABLE    equ 0xC0041000
USER_TABLE      equ 0xC0042000
SHARED          equ 0x00050000
AREA            equ 0x08000000

main:
        call    load_gdt
        gate    14, page_fault, INTERRUPT_GATE

        mov     edi, KERNEL_TABLE
        mov     eax, 0x003                      ; present, writable
.fill:  stosd
        add     eax, 0x1000
        cmp     eax, 0x00100003
        jne     .fill
        mov     dword [DIRECTORY + 768 * 4], 0x00041003
        mov     dword [DIRECTORY + AREA / 0x400000 * 4], 0x00042007
        mov     dword [SHARED + 0xC0000000], 0x5EED5EED
        hypercall SET_PMD, DIRECTORY - 0xC0000000, 768
        hypercall NEW_PGTABLE, DIRECTORY - 0xC0000000
        hypercall FLUSH_TLB, 1
        say     "own tables", 10

        mov     dword [AREA + 0x123], 0x11111111        ; a fresh page, by a write
        mov     eax, [AREA + 0x123]
        call    tell
        mov     eax, [AREA + 0x1000]                    ; the shared page, by a read
        call    tell
        mov     eax, [USER_TABLE + 4]
        call    tell
        mov     dword [AREA + 0x1004], 0x22222222       ; copied
        mov     eax, [AREA + 0x1000]
        call    tell
        mov     eax, [AREA + 0x1004]
        call    tell
        mov     eax, [SHARED + 0xC0000004]
        call    tell
        mov     eax, [USER_TABLE]
        call    tell
        mov     dword [USER_TABLE], 0                   ; away with the first one
        hypercall SET_PTE, DIRECTORY - 0xC0000000, AREA, 0
        mov     eax, [AREA + 0x123]
        call    tell
        power_off "Power down"

; Prints EAX and a line feed.
tell:
        call    print_hex
        say     10
        ret

; Tells address and error code. A page that is absent is mapped: the second one of the area to the shared page, read-only, any
; other to a fresh page. A page that is read-only is copied. That an entry has become more generous the host need not be told.
page_fault:
        say     "fault at "
        push    eax
        push    ecx
        push    esi
        push    edi
        mov     eax, [VA(fault_address)]
        call    print_hex
        say     " code "
        mov     eax, [esp + 16]
        call    print_hex
        say     10

        mov     edi, [VA(fault_address)]
        and     edi, 0xFFFFF000
        mov     esi, edi
        sub     esi, AREA
        shr     esi, 10
        add     esi, USER_TABLE                         ; where its entry is
        test    al, 1
        jnz     .copy
        cmp     edi, AREA + 0x1000
        je      .share
        mov     eax, [VA(next_page)]
        add     dword [VA(next_page)], 0x1000
        or      eax, 7
        mov     [esi], eax
        jmp     .done
.share: mov     dword [esi], SHARED | 5                 ; present, user
        jmp     .done
.copy:  mov     eax, [VA(next_page)]
        add     dword [VA(next_page)], 0x1000
        push    edi
        push    esi
        mov     esi, edi
        lea     edi, [eax + 0xC0000000]
        mov     ecx, 0x400
        rep movsd
        pop     esi
        pop     edi
        or      eax, 7
        mov     [esi], eax
        mov     ecx, eax
        push    ebx
        push    edx
        hypercall SET_PTE, DIRECTORY - 0xC0000000, edi  ; the entry names another page now
        pop     edx
        pop     ebx
.done:  pop     edi
        pop     esi
        pop     ecx
        pop     eax
        add     esp, 4
        iretd

next_page:      dd 0x00060000
