//! Groups of tables beside and below each other on a sheet.

/// Free pixels between two groups.
const GAP: i32 = 44;

/// Where each group begins, and how large the sheet is, from the sizes of the groups.
pub(super) fn pack(sizes: &[(i32, i32)]) -> (Vec<(i32, i32)>, (i32, i32)) {
    let limit = sheet_width(sizes);
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    // Groups of equal height keep their order.
    order.sort_by_key(|&group| -sizes[group].1);
    let mut corners = vec![(0, 0); sizes.len()];
    let (mut left, mut top, mut bottom, mut right) = (0, 0, 0, 0);
    for group in order {
        let (width, height) = sizes[group];
        if left > 0 && left + width > limit {
            (left, top) = (0, bottom + GAP);
        }
        corners[group] = (left, top);
        bottom = bottom.max(top + height);
        right = right.max(left + width);
        left += width + GAP;
    }
    (corners, (right, bottom))
}

/// A sheet is about 1.5 times as wide as high, and at least as wide as the widest group.
fn sheet_width(sizes: &[(i32, i32)]) -> i32 {
    let area: i64 =
        sizes.iter().map(|&(width, height)| i64::from(width + GAP) * i64::from(height + GAP)).sum();
    let widest = sizes.iter().map(|&(width, _)| width).max().unwrap_or_default();
    i32::try_from((area * 3 / 2).isqrt()).unwrap_or(i32::MAX).max(widest)
}
