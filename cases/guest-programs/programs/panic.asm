; SPDX-License-Identifier: GPL-2.0-or-later
;
; Last words that are too long: 127 characters count.

%include "kernel.inc"

main:
        say     "oops", 10
        power_off {"0123456789012345678901234567890123456789", "0123456789012345678901234567890123456789", "0123456789012345678901234567890123456789", "01234567890123456789"}
