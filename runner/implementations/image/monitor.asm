; SPDX-License-Identifier: GPL-2.0-or-later
;
; The first 2 KiB of an image that runs cases on any PC (nasm -f bin monitor.asm): a BIOS boot sector, and a monitor that
; runs one case after the other and writes what became of each to the serial port COM1 (115200 bits/s, 8 bits, no parity).
;
; Word 508 of the boot sector says how many parts of 64 sectors follow these 2 KiB: the cases, which are read to CASES.
; Each case is
;   bytes that follow; bytes of its name; the name, zeros up to a multiple of 4; bytes of memory;
;   what memory holds, in runs; what the runner has put over that, in runs; where its code begins
; and a case of no bytes is the last. Runs are: their count; for each address, bytes, the bytes and zeros up to a multiple of 4.
; The code is the runner's own (trampoline.ts): it loads the state of the case, and comes back to HIGH with EAX in DR0, CR0
; in DR1, and in DR3 the low halves of EIP and, lowest, CS.
; A case that has not come to its end after 55 ms gets an NMI, where the PC has an I/O APIC with the timer on its pin 2.
; Reset in the middle of a case, as a triple fault makes it, leads on to the next case, if memory has kept its contents.

CONTROL     equ 0x00200000
NEXT        equ CONTROL + 0                 ; where the next case is
STARTED     equ CONTROL + 4                 ; RUNNING when a case runs
RUNNING     equ 0x52554e21
BYTES       equ CONTROL + 8                 ; of the memory of the case that runs
OVER        equ CONTROL + 12                ; the runs that the runner has put over it
REGISTERS   equ CONTROL + 0x100             ; as they were found
STACK       equ CONTROL + 0x1000
BASELINE    equ 0x00300000                  ; memory as the case gives it
CASES       equ 0x00400000
HIGH        equ 0x00100000                  ; where the monitor is, out of the cases' way
BUFFER      equ 0x10000
PART_BYTES  equ 64 * 512
MONITOR_SECTORS equ 3
FLAT_CODE   equ 0x08
FLAT_DATA   equ 0x10
SERIAL      equ 0x3f8
LINE_STATUS equ 5
CAN_SEND    equ 0x20
PIC_MASKS_1 equ 0x21
PIC_MASKS_2 equ 0xa1
SYSTEM_PORT equ 0x92                        ; bit 1 opens address line 20
SYSENTER_CS equ 0x174                       ; the first of three MSRs
HAS_SYSENTER equ 1 << 11
PGE         equ 0x80
IOAPIC      equ 0xfec00000                  ; register number; its value is 16 bytes on
TIMER_PIN   equ 0x10 + 2 * 2                ; first of the two registers of pin 2
DELIVER_NMI equ 0x400
MASKED      equ 0x10000
TIMER_MODE  equ 0x43
TIMER       equ 0x40
PERIODIC    equ 0x34                        ; counter 0, both bytes, mode 2: one that is lost is not the last

            bits 16
section boot vstart=0x7c00
            jmp 0:.begin
.begin:     xor ax, ax
            mov ds, ax
            mov es, ax
            mov ss, ax
            mov sp, 0x7c00
            cld
            in al, SYSTEM_PORT
            or al, 2
            and al, ~1
            out SYSTEM_PORT, al
            mov si, packet
            call read_disk
            mov cx, [parts]
            mov edi, CASES
            mov word [packet.count], PART_BYTES / 512
            mov dword [packet.to], (BUFFER / 16) << 16
            mov dword [packet.sector], 1 + MONITOR_SECTORS
.next_part: mov si, packet
            call read_disk
            call flat_data
            push cx
            mov esi, BUFFER
            mov ecx, PART_BYTES / 4
            a32 rep movsd
            pop cx
            add dword [packet.sector], PART_BYTES / 512
            loop .next_part
            call flat_data
            mov esi, 0x7c00 + 512
            mov edi, HIGH
            mov ecx, MONITOR_SECTORS * 512 / 4
            a32 rep movsd
            cli
            mov eax, cr0
            or al, 1
            mov cr0, eax
            jmp dword FLAT_CODE:start
; Real mode with data segments of 4 GiB, until the BIOS loads them anew.
flat_data:  cli
            lgdt [table_register]
            mov eax, cr0
            or al, 1
            mov cr0, eax
            mov bx, FLAT_DATA
            mov ds, bx
            mov es, bx
            and al, ~1
            mov cr0, eax
            xor bx, bx
            mov ds, bx
            mov es, bx
            sti
            ret
; DL is the drive from which the BIOS has booted.
read_disk:  push cx
            push edi
            push dx
            mov ah, 0x42
            int 0x13
            pop dx
            pop edi
            pop cx
            jc .failed
            ret
.failed:    mov ax, 0x0e00 + '?'
            int 0x10
.rest:      hlt
            jmp .rest
            align 4
packet:     db 16, 0
.count:     dw MONITOR_SECTORS
.to:        dw 0x7e00, 0
.sector:    dq 1
            align 8
table:      dq 0
            dq 0x00cf9b000000ffff           ; flat code
            dq 0x00cf93000000ffff           ; flat data
table_register:
            dw table_register - table - 1
            dd table
            times 508 - ($ - $$) db 0
parts:      dw 0
            db 0x55, 0xaa

            bits 32
section monitor follows=boot vstart=HIGH
; Where the code of a case comes back to: a place that never changes.
found:      jmp .found
            align 4
.found:     mov eax, ds
            mov dr2, eax
            mov eax, 0                      ; XOR would change the flags
            mov dr7, eax                    ; or breakpoints of the case would be met here
            mov eax, FLAT_DATA
            mov ds, eax
            mov dword [IOAPIC], TIMER_PIN
            mov dword [IOAPIC + 16], MASKED
            mov [REGISTERS + 4], ecx
            mov [REGISTERS + 8], edx
            mov [REGISTERS + 12], ebx
            mov [REGISTERS + 16], esp
            mov [REGISTERS + 20], ebp
            mov [REGISTERS + 24], esi
            mov [REGISTERS + 28], edi
            mov [REGISTERS + 72], ss
            mov ss, eax
            mov esp, STACK
            pushfd
            pop dword [REGISTERS + 36]
            push dword 2                    ; with NT set IRET would switch tasks
            popfd
            push dword 2                    ; IRET, since NMIs are blocked if one led here
            push dword FLAT_CODE
            push dword .unblocked
            iretd
.unblocked:
            mov [REGISTERS + 64], es
            mov es, eax
            mov [REGISTERS + 80], fs
            mov [REGISTERS + 84], gs
            str [REGISTERS + 88]
            sldt [REGISTERS + 92]
            sidt [REGISTERS + 98]
            mov edi, REGISTERS
            mov eax, dr0
            mov [edi], eax
            mov eax, dr3
            movzx ecx, ax
            mov [edi + 68], ecx
            shr eax, 16
            mov [edi + 32], eax
            mov eax, dr1
            mov [edi + 40], eax
            mov eax, cr2
            mov [edi + 44], eax
            mov eax, cr3
            mov [edi + 48], eax
            mov eax, cr4
            mov [edi + 52], eax
            mov eax, dr2
            mov [edi + 76], eax
            movzx eax, word [edi + 98]
            mov [edi + 96], eax
            lgdt [monitor_table]
            call has_sysenter
            jz .report
            mov ecx, SYSENTER_CS
            mov edi, REGISTERS + 104
.read_msr:  rdmsr
            stosd
            inc ecx
            cmp ecx, SYSENTER_CS + 3
            jne .read_msr
.report:    mov edi, BASELINE               ; what the runner has put over memory is taken away again
            mov esi, [OVER]
            call restore_runs
            mov esi, text_registers
            call write_text
            mov esi, REGISTERS
            mov ecx, REGISTER_WORDS
.register:  lodsd
            call write_word
            loop .register
            call write_changes
            mov esi, text_end
            call write_text
            jmp next_case

start:      mov eax, FLAT_DATA
            mov ds, eax
            mov es, eax
            mov ss, eax
            mov esp, STACK
            lgdt [monitor_table]
            mov al, 0xff
            out PIC_MASKS_1, al
            out PIC_MASKS_2, al
            mov esi, serial_settings
            mov ecx, 7
.set:       movzx edx, byte [esi]
            add edx, SERIAL
            mov al, [esi + 1]
            out dx, al
            add esi, 2
            loop .set
            cmp dword [STARTED], RUNNING
            jne .afresh
            mov esi, text_reset
            call write_text
            jmp next_case
.afresh:    mov esi, text_begin
            call write_text
            mov dword [NEXT], CASES
next_case:  mov dword [STARTED], 0
            mov esi, [NEXT]
            lodsd
            test eax, eax
            jz done
            lea ebx, [esi + eax]
            mov [NEXT], ebx
            push esi
            mov esi, text_case
            call write_text
            pop esi
            lodsd
            mov ecx, eax
            push esi
            push ecx
            call write_bytes
            pop ecx
            pop esi
            add esi, ecx
            add esi, 3
            and esi, ~3
            lodsd
            mov [BYTES], eax
            push esi
            xor edi, edi
            call clear
            mov edi, BASELINE
            call clear
            pop esi
            push esi
            xor edx, edx
            call store_runs
            pop esi
            mov edx, BASELINE
            call store_runs
            mov [OVER], esi
            xor edx, edx
            call store_runs
            lodsd
            mov ebx, eax
            xor eax, eax
            mov dr7, eax
            mov dr0, eax
            mov dr1, eax
            mov dr2, eax
            mov dr3, eax
            mov eax, 0xffff0ff0
            mov dr6, eax
            fninit
            mov ecx, 8                      ; FNINIT leaves what is in the registers
.next_st:   fldz
            loop .next_st
            fninit
            call has_sysenter
            jz .no_msrs
            mov ecx, SYSENTER_CS + 2
            xor edx, edx
.clear_msr: xor eax, eax
            wrmsr
            dec ecx
            cmp ecx, SYSENTER_CS
            jae .clear_msr
.no_msrs:   mov eax, PGE                    ; changing PGE drops every translation, global ones too
            mov cr4, eax
            xor eax, eax
            mov cr4, eax
            mov dword [STARTED], RUNNING
            mov al, PERIODIC
            out TIMER_MODE, al
            mov al, 0xff
            out TIMER, al
            out TIMER, al
            mov dword [IOAPIC], TIMER_PIN + 1
            mov dword [IOAPIC + 16], 0
            mov dword [IOAPIC], TIMER_PIN
            mov dword [IOAPIC + 16], DELIVER_NMI
            jmp ebx
done:       mov esi, text_done
            call write_text
.rest:      hlt
            jmp .rest
; Zeros as many bytes from EDI on as the case has memory.
clear:      mov ecx, [BYTES]
            xor eax, eax
            rep stosb
            ret
; Stores the runs at ESI, each EDX beyond its address; ESI is then behind them.
store_runs: lodsd
            mov ebp, eax
.next:      test ebp, ebp
            jz .end
            lodsd
            lea edi, [eax + edx]
            lodsd
            mov ecx, eax
            rep movsb
            add esi, 3
            and esi, ~3
            dec ebp
            jmp .next
.end:       ret
; Gives memory its baseline again where the runs at ESI are.
restore_runs:
            lodsd
            mov ebp, eax
.next:      test ebp, ebp
            jz .end
            lodsd
            mov edi, eax
            lodsd
            mov ecx, eax
            add eax, esi
            add eax, 3
            and eax, ~3
            lea esi, [edi + BASELINE]
            rep movsb
            mov esi, eax
            dec ebp
            jmp .next
.end:       ret
; The double words of memory that the case has changed.
write_changes:
            xor esi, esi
            mov edi, BASELINE
            mov ecx, [BYTES]
            shr ecx, 2
            cmp eax, eax
.compare:   repe cmpsd
            je .end
            push esi
            mov esi, text_memory
            call write_text
            pop esi
            lea eax, [esi - 4]
            call write_word
            mov eax, [esi - 4]
            call write_word
            test ecx, ecx
            jnz .compare
.end:       ret
; Zero flag clear when there are the SYSENTER registers.
has_sysenter:
            pushad
            mov eax, 1
            cpuid
            test edx, HAS_SYSENTER
            popad
            ret
; A space and EAX in eight hexadecimal digits.
write_word: push ecx
            mov ecx, eax
            mov al, ' '
            call write_byte
            mov ah, 8
.digit:     rol ecx, 4
            mov al, cl
            and al, 15
            cmp al, 10
            sbb al, 0x69
            das
            or al, 0x20
            call write_byte
            dec ah
            jnz .digit
            pop ecx
            ret
; The text at ESI, which ends with a zero.
write_text: lodsb
            test al, al
            jz .end
            call write_byte
            jmp write_text
.end:       ret
; ECX bytes from ESI on.
write_bytes:
            lodsb
            call write_byte
            loop write_bytes
            ret
write_byte: push edx
            push eax
            mov edx, SERIAL + LINE_STATUS
.wait:      in al, dx
            test al, CAN_SEND
            jz .wait
            pop eax
            mov edx, SERIAL
            out dx, al
            pop edx
            ret
; Registers of the serial port and what they get: no interrupts, divisor 1, 8 bits, no queue, DTR and RTS.
serial_settings:
            db 1, 0, 3, 0x80, 0, 1, 1, 0, 3, 3, 2, 0, 4, 3
text_begin: db 13, 10, 'lguest-conformance image', 0
text_reset: db 13, 10, 'reset', 0
text_case:  db 13, 10, 'case ', 0
text_registers:
            db 13, 10, 'registers', 0
text_memory:
            db 13, 10, 'memory', 0
text_end:   db 13, 10, 'end', 0
text_done:  db 13, 10, 'done', 13, 10, 0
; EAX ECX EDX EBX ESP EBP ESI EDI EIP EFLAGS CR0 CR2 CR3 CR4, two of no use, ES CS SS DS FS GS TR LDTR,
; IDTR's limit and base, SYSENTER_CS _ESP _EIP
REGISTER_WORDS equ 29
            align 8
monitor_gdt:
            dq 0
            dq 0x00cf9b000000ffff
            dq 0x00cf93000000ffff
monitor_table:
            dw monitor_table - monitor_gdt - 1
            dd monitor_gdt
            times MONITOR_SECTORS * 512 - ($ - $$) db 0
