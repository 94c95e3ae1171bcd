; SPDX-License-Identifier: GPL-2.0-or-later
;
; Six address spaces, more than the host has slots for. Under the address 08000000h each has a page of its own with its number.
;
;   0003F000  table of C0000000h, in all directories        00040000 + 4000h * n  directory n, table of 08000000h, page

%include "kernel.inc"

KERNEL_TABLE    equ 0xC003F000
SPACES          equ 0xC0040000
SPACE_SIZE      equ 0x4000
COUNT           equ 6
AREA            equ 0x08000000

main:
        mov     edi, KERNEL_TABLE
        mov     eax, 0x003
.fill:  stosd
        add     eax, 0x1000
        cmp     eax, 0x00100003
        jne     .fill

        xor     ecx, ecx
.space: mov     edi, ecx
        shl     edi, 14
        lea     esi, [edi + SPACES - 0xC0000000]        ; guest-physical
        add     edi, SPACES
        mov     dword [edi + 768 * 4], 0x0003F003
        lea     eax, [esi + 0x1007]
        mov     [edi + AREA / 0x400000 * 4], eax
        lea     eax, [esi + 0x2007]
        mov     [edi + 0x1000], eax
        lea     eax, [ecx + "0"]
        mov     [edi + 0x2000], eax
        inc     ecx
        cmp     ecx, COUNT
        jne     .space

        mov     ebp, 2                                  ; two rounds
.round: xor     ecx, ecx
.visit: mov     edx, ecx
        shl     edx, 14
        add     edx, SPACES - 0xC0000000
        mov     eax, NEW_PGTABLE
        int     0x1F
        mov     eax, [AREA]
        call    print_char
        add     dword [AREA], "a" - "0"                 ; a letter the next time
        inc     ecx
        cmp     ecx, COUNT
        jne     .visit
        say     10
        dec     ebp
        jnz     .round
        power_off "Power down"
