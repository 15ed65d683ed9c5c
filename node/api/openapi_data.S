/* Embeds docs/openapi.json in the binary, which the page /v1/openapi.json sends. */
#ifdef __CET__
#include <cet.h> /* marks the object file as usable with -fcf-protection */
#endif
  .section .rodata
  .global herd_openapi_begin
  .global herd_openapi_end
  .balign 16
herd_openapi_begin:
  .incbin HERD_OPENAPI_FILE
herd_openapi_end:
  .section .note.GNU-stack,"",%progbits
