use std::fmt::Write as _;

/// Rows of sixteen bytes: offset, hexadecimal, ASCII.
pub(crate) fn hexdump(bytes: &[u8]) -> String {
    let mut dump = String::new();
    for (row, chunk) in bytes.chunks(16).enumerate() {
        let hex = chunk.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ");
        let text: String =
            chunk.iter().map(|&b| if b.is_ascii_graphic() { char::from(b) } else { '.' }).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(dump, "{:04x}  {hex:<47}  {text}", row * 16);
    }
    dump
}
