//! Tells the processor what will be read soon, so that it is there by then: a look into a table that no cache holds takes as
//! long as a hundred products, and a scan of many short stretches would wait at the begin of each.

/// Bytes that a cache moves at once.
const LINE: usize = 64;

/// Begins to bring these values near. A hint: nothing is read, and nothing happens where the processor has no such
/// instruction.
#[inline(always)]
pub fn prefetch<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

        let start = values.as_ptr().cast::<i8>();
        for line in 0..size_of_val(values).div_ceil(LINE) {
            // SAFETY: a prefetch reads and writes nothing and never faults, whatever the address; this one is of the slice.
            #[allow(unsafe_code, reason = "a hint to the processor; its pointer is never read")]
            unsafe {
                _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(line * LINE));
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, LINE);
}
