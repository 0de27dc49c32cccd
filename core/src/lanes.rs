//! Sixteen bytes compared with one at a time.
//!
//! The only unsafe code of this crate is here, one call: without the comparison that every x86-64
//! processor has, reading takes nearly half as long again, and the compiler does not find it by itself.
//! WebAssembly has the same in safe code; elsewhere plain arithmetic on words gives the same masks.

/// Bytes that are compared at once.
pub(crate) const LANES: usize = 16;

/// Which of `bytes` equal `byte`: bit n stands for byte n.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
#[inline]
#[expect(unsafe_code, reason = "see the head of this file")]
pub(crate) fn equal(bytes: &[u8; LANES], byte: u8) -> u32 {
    // SAFETY: the function asks for nothing but SSE2, and this one is compiled only where the whole
    // program may use SSE2.
    unsafe { equal_sse2(bytes, byte) }
}

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
#[inline]
#[target_feature(enable = "sse2")]
fn equal_sse2(bytes: &[u8; LANES], byte: u8) -> u32 {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_movemask_epi8, _mm_set_epi64x, _mm_set1_epi8};

    let [low, high] = words(bytes).map(u64::cast_signed);
    let equal = _mm_cmpeq_epi8(_mm_set_epi64x(high, low), _mm_set1_epi8(byte.cast_signed()));
    _mm_movemask_epi8(equal).cast_unsigned()
}

/// Which of `bytes` equal `byte`: bit n stands for byte n.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[inline]
pub(crate) fn equal(bytes: &[u8; LANES], byte: u8) -> u32 {
    use std::arch::wasm32::{u8x16_bitmask, u8x16_eq, u8x16_splat, u64x2};

    let [low, high] = words(bytes);
    u32::from(u8x16_bitmask(u8x16_eq(u64x2(low, high), u8x16_splat(byte))))
}

/// Which of `bytes` equal `byte`: bit n stands for byte n.
#[cfg(not(any(
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "wasm32", target_feature = "simd128")
)))]
#[inline]
pub(crate) fn equal(bytes: &[u8; LANES], byte: u8) -> u32 {
    equal_in_words(bytes, byte)
}

#[cfg(any(
    test,
    not(any(
        all(target_arch = "x86_64", target_feature = "sse2"),
        all(target_arch = "wasm32", target_feature = "simd128")
    ))
))]
fn equal_in_words(bytes: &[u8; LANES], byte: u8) -> u32 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const LOW_BITS: u64 = 0x7F * ONES;
    let [low, high] = words(bytes).map(|word| {
        let zero_where_equal = word ^ (ONES * u64::from(byte));
        // The sum sets the top bit of every byte with a low bit set, and never carries into the next.
        let differs = ((zero_where_equal & LOW_BITS) + LOW_BITS) | zero_where_equal;
        let tops = !(differs | LOW_BITS) >> 7;
        // The multiplication gathers the eight bits, in order, in the highest byte.
        tops.wrapping_mul(0x0102_0408_1020_4080) >> 56
    });
    // Each has eight bits.
    #[expect(clippy::cast_possible_truncation)]
    let mask = (low | high << 8) as u32;
    mask
}

fn words(bytes: &[u8; LANES]) -> [u64; 2] {
    let (words, _) = bytes.as_chunks();
    [words[0], words[1]].map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_ways_give_the_plain_mask(mut bytes: [u8; LANES], byte: u8, some: u16) {
            for (n, place) in bytes.iter_mut().enumerate() {
                if some >> n & 1 == 1 {
                    *place = byte;
                } else if n % 3 == 0 {
                    // Neighbours of the byte are where borrows and carries would show.
                    *place = byte.wrapping_add(1);
                }
            }
            let plain = (0..LANES).map(|n| u32::from(bytes[n] == byte) << n).sum::<u32>();
            prop_assert_eq!(equal(&bytes, byte), plain);
            prop_assert_eq!(equal_in_words(&bytes, byte), plain);
        }
    }
}
