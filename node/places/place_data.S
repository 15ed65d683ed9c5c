/* Embeds the table of places from data/ in the binary, so that no path must be configured and no file can be missing. */
#ifdef __CET__
#include <cet.h> /* marks the object file as usable with -fcf-protection */
#endif
  .section .rodata
  .global herd_places_begin
  .global herd_places_end
  .balign 16
herd_places_begin:
  .incbin HERD_PLACES_FILE
herd_places_end:
  .section .note.GNU-stack,"",%progbits
