/* The table of places as it lies in data/, inside the binary: no path to configure, nothing to lose. */
  .section .rodata
  .global herd_places_begin
  .global herd_places_end
  .balign 16
herd_places_begin:
  .incbin HERD_PLACES_FILE
herd_places_end:
  .section .note.GNU-stack,"",%progbits
