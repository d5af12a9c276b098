# SPDX-License-Identifier: GPL-2.0-or-later
# What makes a fault of memory hard to use. Distributions' packages have most of it by flags of their own.
include(CheckCXXCompilerFlag)
include(CheckCXXSourceCompiles)

# The last two are of x86 and of ARM.
foreach(flag -fstack-protector-strong -fcf-protection=full -mbranch-protection=standard)
  string(MAKE_C_IDENTIFIER "DPINHOLER_HAS${flag}" known)
  check_cxx_compiler_flag(${flag} ${known})
  if(${known})
    add_compile_options(${flag})
  endif()
endforeach()

# It needs an optimising compiler; older libraries know no more than 2.
set(CMAKE_REQUIRED_FLAGS "-O2 -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
check_cxx_source_compiles("#include <cstdlib>\nint main() {}" DPINHOLER_HAS_FORTIFY_3)
unset(CMAKE_REQUIRED_FLAGS)
set(optimised $<NOT:$<CONFIG:Debug>>)
add_compile_options($<${optimised}:-U_FORTIFY_SOURCE>
                    $<${optimised}:-D_FORTIFY_SOURCE=$<IF:$<BOOL:${DPINHOLER_HAS_FORTIFY_3}>,3,2>>)

# Not by CMAKE_POSITION_INDEPENDENT_CODE: that makes our libraries fit for shared ones, which costs time at each call.
add_compile_options($<$<NOT:$<STREQUAL:$<TARGET_PROPERTY:TYPE>,MODULE_LIBRARY>>:-fPIE>)
add_link_options($<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie> LINKER:-z,relro,-z,now)
