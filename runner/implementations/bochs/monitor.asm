; SPDX-License-Identifier: GPL-2.0-or-later
;
; What Bochs has for a BIOS: the last 1024 bytes of a 64 KiB ROM (nasm -f bin monitor.asm). It runs many cases, one after
; the other, and writes what became of each to port E9h, which Bochs passes on to its standard output.
;
; A case starts and ends in system management mode: an SMI saves the whole processor, cached descriptors included, and RSM
; loads it. (Bochs has the state save area of processors with 64-bit extensions, whatever model it is told to be.) The SMI
; comes from the timer, by way of the I/O APIC, long after the case must have ended in HLT; nothing is executed meanwhile.
;
; The cases are on the disk, their size in units of 128 KiB first; they are read into memory. Each is
;   bytes that follow; number; the state save area, in two parts; CR2; SYSENTER_CS, _ESP, _EIP; timer ticks;
;   bytes of memory; runs of memory, their count first: address, bytes, the bytes themselves up to a multiple of 4
; and a case of no bytes is the last. The answer to one is lines of hexadecimal digits:
;   =number   S, the state save area   X, CR2 and SYSENTER_*   M, address and double word, for each that changed   .
; A triple fault resets the machine, and the registers are lost: there is a line T in place of S and X.
; When all is done, the line is !.

SMBASE      equ 0x00080000                  ; cases own the memory below
CONTROL     equ 0x00200000
NEXT        equ CONTROL + 0                 ; where the next case is
NUMBER      equ CONTROL + 4                 ; of the case that runs
BYTES       equ CONTROL + 8                 ; its memory
STARTED     equ CONTROL + 12                ; RUNNING when a case runs
RUNNING     equ 0x52554e21
RUNS        equ CONTROL + 20                ; what the last case was given, 0: there was none
READY       equ CONTROL + 16                ; 1 when SMBASE has been moved
BASELINE    equ 0x00300000                  ; memory as it was when the case began
CASES       equ 0x01000000

ENTRY       equ 0x8000                      ; from SMBASE
SAVED_1     equ 0xfe00                      ; from SMBASE: ES CS SS DS FS GS GDTR LDTR IDTR TR
WORDS_1     equ 40
SAVED_2     equ 0xff48                      ; CR4 CR3 CR0 DR7 DR6 RFLAGS RIP and the general registers
WORDS_2     equ 46
SAVED_BASE  equ 0xff00                      ; from SMBASE: RSM takes the new SMBASE from here
RESET_BASE  equ 0x30000
STACK       equ 0x7000                      ; from SMBASE

ROM         equ 0xffff0000
ICR_LOW     equ 0xfee00300
ICR_HIGH    equ 0xfee00310
DELIVER_SMI equ 0x00000200
TO_MYSELF   equ 0x00004000                  ; the destination is in ICR_HIGH, level asserted
IOAPIC      equ 0xfec00000                  ; register number; its value is 16 bytes on
TIMER_PIN   equ 0x10 + 2 * 2                ; first of the two registers of pin 2
PIC_MASKS_1 equ 0x21
PIC_MASKS_2 equ 0xa1
TIMER_MODE  equ 0x43
TIMER       equ 0x40
ONE_SHOT    equ 0x30                        ; counter 0, both bytes, mode 0
SYSENTER_CS equ 0x174                       ; the first of three MSRs
DISK_WORDS  equ 0x1f0
DISK_COUNT  equ 0x1f2
DISK_STATUS equ 0x1f7                       ; and, written, the command
DISK_LINEAR equ 0xe0
DISK_READ   equ 0x20
DISK_BUSY   equ 0x80
DISK_DATA   equ 0x08
SECTORS     equ 256                         ; in 128 KiB
CONSOLE     equ 0xe9
QUIT        equ 0x8900

            bits 16
            org 0xfc00

; The handler. System management mode begins like real mode, with data segments of base 0 and limit 4 GiB.
exchange:   cld
            mov ax, SMBASE >> 4
            mov ss, ax
            mov sp, STACK
            cmp dword [dword STARTED], RUNNING
            jne .load

; What became of the case that ran.
            mov al, '='
            out CONSOLE, al
            mov eax, [dword NUMBER]
            call write_word
            mov al, 'S'
            call new_line
            mov esi, SMBASE + SAVED_1
            mov ecx, WORDS_1
            call write_words
            mov esi, SMBASE + SAVED_2
            mov ecx, WORDS_2
            call write_words
            mov al, 'X'
            call new_line
            mov eax, cr2
            call write_word
            mov ecx, SYSENTER_CS
.show_msr:  rdmsr
            call write_word
            inc cx
            cmp cx, SYSENTER_CS + 3
            jne .show_msr
            call write_changes

.load:      mov esi, [dword NEXT]
            a32 lodsd
            test eax, eax
            jz done
            a32 lodsd
            mov [dword NUMBER], eax
            mov edi, SMBASE + SAVED_1
            mov ecx, WORDS_1
            a32 rep movsd
            mov edi, SMBASE + SAVED_2
            mov ecx, WORDS_2
            a32 rep movsd
            a32 lodsd
            mov cr2, eax
            mov ecx, SYSENTER_CS
            xor edx, edx
.load_msr:  a32 lodsd
            wrmsr
            inc cx
            cmp cx, SYSENTER_CS + 3
            jne .load_msr
            a32 lodsd
            mov ebx, eax                    ; timer ticks
            a32 lodsd
            mov [dword BYTES], eax

; Memory and its copy hold what the case before was given: only its runs are to be cleared.
            push esi
            mov esi, [dword RUNS]
            test esi, esi
            jz .cleared
            a32 lodsd
            mov ebp, eax
.next_old:  test ebp, ebp
            jz .cleared
            a32 lodsd
            mov edi, eax
            a32 lodsd
            mov edx, eax
            mov ecx, eax
            mov al, 0
            a32 rep stosb
            sub edi, edx
            add edi, BASELINE
            mov ecx, edx
            a32 rep stosb
            add edx, 3
            and edx, ~3
            add esi, edx
            dec ebp
            jmp .next_old
.cleared:   pop esi
            mov [dword RUNS], esi
            a32 lodsd
            mov ebp, eax
.next_run:  test ebp, ebp
            jz .filled
            a32 lodsd
            mov edi, eax
            a32 lodsd
            mov edx, eax
            mov ecx, eax
            a32 rep movsb
            sub esi, edx
            sub edi, edx
            add edi, BASELINE
            mov ecx, edx
            a32 rep movsb
            neg edx
            and edx, 3
            add esi, edx
            dec ebp
            jmp .next_run
.filled:    mov [dword NEXT], esi
            mov dword [dword STARTED], RUNNING
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
            mov al, ONE_SHOT
            out TIMER_MODE, al
            mov al, bl
            out TIMER, al
            mov al, bh
            out TIMER, al
            rsm

done:       mov al, '!'
            call new_line
            mov al, 10
            out CONSOLE, al
; Bochs ends when this word is written to this port.
            mov edx, QUIT
            mov esi, SMBASE + ENTRY + quit_word - exchange
            mov ecx, quit_word_end - quit_word
            a32 rep outsb
.rest:      hlt
            jmp .rest
quit_word:  db 'Shutdown'
quit_word_end:

; The double words of memory that the case changed, which get their old values, and the end of its answer.
write_changes:
            xor esi, esi
            mov edi, BASELINE
            mov ecx, [dword BYTES]
            shr ecx, 2
            cmp eax, eax
.compare:   a32 repe cmpsd
            je .same
            mov al, 'M'
            call new_line
            lea eax, [esi - 4]
            call write_word
            mov eax, [esi - 4]
            call write_word
            mov eax, [edi - 4]
            mov [esi - 4], eax
            test ecx, ecx
            jnz .compare
.same:      mov al, '.'
            call new_line
            mov al, 10
            out CONSOLE, al
            ret

; AL begins the line.
new_line:   push ax
            mov al, 10
            out CONSOLE, al
            pop ax
            out CONSOLE, al
            ret

; ECX double words from ESI on.
write_words:
            a32 lodsd
            call write_word
            a32 loop write_words
            ret

; EAX in eight hexadecimal digits.
write_word: push bx
            push cx
            mov cx, 8
.digit:     rol eax, 4
            mov ebx, eax
            and bl, 15
            add bl, '0'
            cmp bl, '9'
            jbe .write
            add bl, 'a' - '0' - 10
.write:     xchg al, bl
            out CONSOLE, al
            xchg al, bl
            loop .digit
            pop cx
            pop bx
            ret
exchange_end:

; The handler of the first SMI after a reset.
relocate:   mov dword [dword RESET_BASE + SAVED_BASE], SMBASE
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
            mov al, 0xff
            out PIC_MASKS_1, al
            out PIC_MASKS_2, al
            cmp dword [dword STARTED], RUNNING
            jne .read_cases

            mov ax, 8
            mov ss, ax
            mov esp, CONTROL
            mov al, '='
            out CONSOLE, al
            mov eax, [dword NUMBER]
            call write_word
            mov al, 'T'
            call new_line
            call write_changes
            jmp .move_smbase

.read_cases:
            mov edi, CASES
            xor ebx, ebx                    ; sector
.next_part: mov dx, DISK_COUNT
            mov al, 0                       ; that is 256
            out dx, al
            mov eax, ebx
            mov cx, 3
.address:   inc dx
            out dx, al
            shr eax, 8
            loop .address
            inc dx
            mov al, DISK_LINEAR
            out dx, al
            inc dx
            mov al, DISK_READ
            out dx, al
            mov si, SECTORS
.wait_disk: in al, dx
            and al, DISK_BUSY | DISK_DATA
            cmp al, DISK_DATA
            jne .wait_disk
            mov dx, DISK_WORDS
            mov ecx, 256
            a32 rep insw
            mov dx, DISK_STATUS
            dec si
            jnz .wait_disk
            add ebx, SECTORS
            mov eax, [dword CASES]
            shl eax, 8
            cmp ebx, eax
            jb .next_part
            mov dword [dword NEXT], CASES + 4
            mov dword [dword RUNS], 0

.move_smbase:
            mov dword [dword STARTED], 0
            mov dword [dword READY], 0
            mov esi, ROM + relocate
            mov edi, RESET_BASE + ENTRY
            mov ecx, relocate_end - relocate
            a32 rep movsb
            mov esi, ROM + exchange
            mov edi, SMBASE + ENTRY
            mov ecx, exchange_end - exchange
            a32 rep movsb
            mov dword [dword IOAPIC], TIMER_PIN + 1
            mov dword [dword IOAPIC + 16], 0
            mov dword [dword IOAPIC], TIMER_PIN
            mov dword [dword IOAPIC + 16], DELIVER_SMI
            mov dword [dword ICR_HIGH], 0
            mov dword [dword ICR_LOW], TO_MYSELF | DELIVER_SMI
.wait:      cmp dword [dword READY], 1
            jne .wait
            mov dword [dword ICR_LOW], TO_MYSELF | DELIVER_SMI
.rest:      hlt
            jmp .rest

            align 8
table:      dq 0
            dq 0x00cf93000000ffff           ; flat data
table_register:
            dw table_register - table - 1
            dd ROM + table

            times 0xfff0 - 0xfc00 - ($ - $$) db 0
            jmp start                       ; the reset vector
            times 0x400 - ($ - $$) db 0
