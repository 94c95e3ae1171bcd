; SPDX-License-Identifier: GPL-2.0-or-later
;
; A guest that does what its command line says. Loaded at 1 MiB, it maps the device pages behind its memory, and then obeys
; one word after the other; numbers are hexadecimal, addresses guest-physical.
;
;   d A N     prints N bytes from A on
;   q A N     says whether N bytes from A on are zero
;   b A V     stores a byte; w a word of two, l one of four
;   s A TEXT  stores a text, up to the next blank
;   z A       prints the text at A, as the early console does
;   n A       NOTIFY
;   i         sleeps until interrupts come, and prints their numbers
;   g         prints the general registers as they were at the beginning, EAX to EDI in the order of their numbers
;   e NAME    prints the byte that IN from this port gives
;   r         asks for a restart
;
; At the end of the line it powers off.

bits 32
org 0xC0100000

KERNEL          equ 0xC0000000
%define PA(x) ((x) - KERNEL)

LGUEST_INIT     equ 1
SHUTDOWN        equ 2
LOAD_IDT_ENTRY  equ 6
HALT            equ 10
NOTIFY          equ 17

COMMAND_LINE    equ 0x228               ; offsets in the boot parameters
E820_SIZE       equ 0x2D8
DEVICE_PAGES    equ 256
FIRST_VECTOR    equ 32
VECTORS         equ 16
stack_top       equ 0xC0180000

start:
        mov     [PA(first_registers) + 0], eax  ; by the identity mapping
        mov     [PA(first_registers) + 4], ecx
        mov     [PA(first_registers) + 8], edx
        mov     [PA(first_registers) + 12], ebx
        mov     [PA(first_registers) + 16], esp
        mov     [PA(first_registers) + 20], ebp
        mov     [PA(first_registers) + 24], esi
        mov     [PA(first_registers) + 28], edi
        mov     eax, LGUEST_INIT
        mov     edx, PA(lguest_data)
        int     0x1F
        mov     esp, stack_top
        mov     eax, main
        jmp     eax

main:
        call    map_devices
        call    load_gates
        mov     esi, [KERNEL + COMMAND_LINE]
        add     esi, KERNEL
.next:  lodsb
        cmp     al, ' '
        je      .next
        test    al, al
        jz      power_off
        mov     edi, commands
.find:  cmp     byte [edi], 0
        je      unknown
        scasb
        lea     edi, [edi + 4]
        jne     .find
        call    [edi - 4]
        jmp     .next

commands:
        db      'd'
        dd      dump
        db      'q'
        dd      query_zero
        db      'b'
        dd      store_byte
        db      'w'
        dd      store_word
        db      'l'
        dd      store_long
        db      's'
        dd      store_text
        db      'z'
        dd      notify
        db      'n'
        dd      notify
        db      'i'
        dd      sleep
        db      'g'
        dd      registers
        db      'e'
        dd      in_port
        db      'r'
        dd      restart
        db      0

; ------------------------------------------------------------------------------------------------------ commands

dump:
        call    address
        mov     ebx, eax
        call    number
        mov     ecx, eax
.byte:  mov     al, [ebx]
        call    print_byte
        inc     ebx
        loop    .byte
        jmp     print_newline

query_zero:
        call    address
        mov     edi, eax
        call    number
        mov     ecx, eax
        xor     eax, eax
        repe scasb
        mov     al, 'y'
        je      .say
        mov     al, 'n'
.say:   call    print_character
        jmp     print_newline

store_byte:
        call    address_and_value
        mov     [ebx], al
        ret
store_word:
        call    address_and_value
        mov     [ebx], ax
        ret
store_long:
        call    address_and_value
        mov     [ebx], eax
        ret

store_text:
        call    address
        mov     edi, eax
        call    skip_blanks
.next:  lodsb
        cmp     al, ' '
        jbe     .end
        stosb
        jmp     .next
.end:   dec     esi
        ret

notify:
        call    number
        mov     edx, eax
        mov     eax, NOTIFY
        int     0x1F
        ret

; With interrupts on before the sleep: those that wait already come first, the rest in the sleep.
sleep:
        mov     eax, HALT
        int     0x1F
        mov     dword [irq_enabled], 0
        ret

registers:
        mov     ebx, first_registers
        mov     ecx, 8
.next:  mov     eax, [ebx]
        call    print_long
        add     ebx, 4
        loop    .next
        jmp     print_newline

in_port:
        call    number
        mov     edx, eax
        xor     eax, eax
        in      al, dx
        call    print_byte
        jmp     print_newline

unknown:
        mov     edx, PA(unknown_text)
        mov     ebx, 1
        jmp     shut_down
restart:
        mov     edx, PA(restart_text)
        mov     ebx, 2
        jmp     shut_down
power_off:
        mov     edx, PA(power_off_text)
        mov     ebx, 1
shut_down:
        mov     eax, SHUTDOWN
        int     0x1F

; -------------------------------------------------------------------------------------------------- the command line

skip_blanks:
        cmp     byte [esi], ' '
        jne     .done
        inc     esi
        jmp     skip_blanks
.done:  ret

; EAX = the next number.
number:
        call    skip_blanks
        push    edx
        xor     edx, edx
.digit: movzx   eax, byte [esi]
        cmp     al, ' '
        jbe     .end
        inc     esi
        sub     al, '0'
        cmp     al, 9
        jbe     .add
        sub     al, 'a' - '0' - 10
.add:   shl     edx, 4
        add     edx, eax
        jmp     .digit
.end:   mov     eax, edx
        pop     edx
        ret

; EAX = the linear address of the next number.
address:
        call    number
        add     eax, KERNEL
        ret

address_and_value:
        call    address
        mov     ebx, eax
        jmp     number

; --------------------------------------------------------------------------------------------------------- printing

; Each keeps all registers.
print_long:
        push    ecx
        mov     ecx, 4
.byte:  rol     eax, 8
        call    print_byte
        loop    .byte
        mov     cl, ' '
        xchg    al, cl
        call    print_character
        xchg    al, cl
        pop     ecx
        ret

print_byte:
        push    eax
        push    eax
        shr     al, 4
        call    print_digit
        pop     eax
        and     al, 15
        call    print_digit
        pop     eax
        ret

print_digit:
        push    ebx
        movzx   ebx, al
        mov     al, [digits + ebx]
        pop     ebx
        jmp     print_character

print_newline:
        mov     al, 10
print_character:
        push    edx
        mov     [character], al
        push    eax
        mov     eax, NOTIFY
        mov     edx, PA(character)
        int     0x1F
        pop     eax
        pop     edx
        ret

; ------------------------------------------------------------------------------------------------------- the machine

; The host's first page table ends with memory: the pages behind it are added.
map_devices:
        mov     ebx, [first_directory]
        mov     ebx, [KERNEL + ebx + 768 * 4]
        and     ebx, 0xFFFFF000
        mov     edx, [KERNEL + E820_SIZE]
        mov     ecx, DEVICE_PAGES
.page:  mov     eax, edx
        shr     eax, 12
        mov     edi, edx
        or      edi, 3
        mov     [KERNEL + ebx + eax * 4], edi
        add     edx, 4096
        loop    .page
        ret

; Each handler is 8 bytes: its number, and on.
load_gates:
        mov     esi, 0
.next:  mov     eax, LOAD_IDT_ENTRY
        lea     edx, [esi + FIRST_VECTOR]
        lea     ecx, [handlers + esi * 8]
        mov     ebx, ecx
        and     ebx, 0xFFFF
        or      ebx, 0x00610000
        and     ecx, 0xFFFF0000
        or      ecx, 0x8E00 | 0x2000
        int     0x1F
        inc     esi
        cmp     esi, VECTORS
        jb      .next
        ret

        align   8
handlers:
%assign irq 0
%rep VECTORS
        push    byte irq
        jmp     near interrupt
        align   8
%assign irq irq + 1
%endrep

interrupt:
        xchg    eax, [esp]
        push    edx
        mov     edx, PA(irq_text)
        push    eax
        mov     eax, NOTIFY
        int     0x1F
        pop     eax
        pop     edx
        call    print_byte
        call    print_newline
        pop     eax
        iretd

; ------------------------------------------------------------------------------------------------------------- data

        align   4
lguest_data:
irq_enabled:            dd 0
                        dd 0, 0, 0, 0
                        times 64 db 0xFF
                        times 64 * 4 dd 0
                        dd 0, 0
first_directory:        dd 0
                        dd 0, 0
                        dd KERNEL
                        dd 0x80
first_registers:        times 8 dd 0xFFFFFFFF
digits:                 db "0123456789abcdef"
character:              db 0, 0
irq_text:               db "irq ", 0
unknown_text:           db "Unknown command", 0
power_off_text:         db "Power down", 0
restart_text:           db "Restart", 0
