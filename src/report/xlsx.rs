//! A report as a workbook: a sheet of what is seen first, and a sheet for each table and chart.
//!
//! # Invariants
//! Cells are typed: counts and shares are numbers, times are fractions of a day, moments are dates. Texts are written as texts, so that none
//! is taken for a formula. Every sheet of a table has a frozen, repeated heading and a filter.
//!
//! # Known gaps
//! A cell takes 32,767 characters and a sheet is named by 31; longer ones are cut.

use std::collections::HashSet;

use rust_xlsxwriter::{
    Chart as Drawing, ChartType, ColNum, DocProperties, ExcelDateTime, Format, FormatAlign,
    FormatBorder, RowNum, Workbook, Worksheet, XlsxError as WriteError,
};

use super::model::{Block, Cell, Chart, ChartKind, KeyFigure, Report, Table};

/// Why a report has no workbook.
#[derive(Debug, thiserror::Error)]
#[error("the report could not be written as a workbook: {0}")]
pub struct XlsxError(#[from] WriteError);

/// Characters of a cell, by Excel's specification.
const CELL: usize = 32_767;
/// Characters of a sheet's name.
const NAME: usize = 31;

/// How cells look.
struct Look {
    title: Format,
    heading: Format,
    text: Format,
    count: Format,
    share: Format,
    span: Format,
    moment: Format,
}

impl Look {
    fn new() -> Self {
        let cell = || Format::new().set_align(FormatAlign::Top);
        Self {
            title: Format::new().set_bold().set_font_size(16),
            heading: Format::new()
                .set_bold()
                .set_text_wrap()
                .set_align(FormatAlign::Bottom)
                .set_border_bottom(FormatBorder::Medium)
                .set_background_color("#E8EEF4"),
            text: cell().set_text_wrap(),
            count: cell().set_num_format("#,##0"),
            share: cell().set_num_format("0.0%"),
            span: cell().set_num_format("[h]:mm:ss"),
            moment: cell().set_num_format("d mmm yyyy, hh:mm"),
        }
    }
}

/// The report as a workbook.
pub fn xlsx(report: &Report) -> Result<Vec<u8>, XlsxError> {
    let look = Look::new();
    let mut workbook = Workbook::new();
    workbook.set_properties(
        &DocProperties::new()
            .set_title(&report.title)
            .set_author("Beadle"),
    );
    let mut names = HashSet::new();
    front(&mut workbook, &mut names, report, &look)?;
    for section in &report.sections {
        for block in &section.blocks {
            match block {
                Block::Text(_) | Block::Figures(_) => {}
                Block::Table(table) => {
                    sheet(&mut workbook, &mut names, table, &look)?;
                }
                Block::Chart(chart) => {
                    let table = chart.table();
                    let sheet = sheet(&mut workbook, &mut names, &table, &look)?;
                    if !chart.labels.is_empty() {
                        let name = sheet.name();
                        let drawn = drawing(chart, &table, &name);
                        let column = ColNum::try_from(table.columns.len() + 1).unwrap_or(10);
                        sheet.insert_chart(1, column, &drawn)?;
                    }
                }
            }
        }
    }
    Ok(workbook.save_to_buffer()?)
}

/// The first sheet: title, what it covers, what is said and seen first.
fn front(
    workbook: &mut Workbook,
    names: &mut HashSet<String>,
    report: &Report,
    look: &Look,
) -> Result<(), WriteError> {
    let sheet = workbook.add_worksheet();
    sheet.set_name(free_name("Report", names))?;
    sheet.set_column_width(0, 34)?.set_column_width(1, 26)?;
    sheet.set_column_width(2, 70)?;
    sheet.write_string_with_format(0, 0, cut(&report.title, CELL), &look.title)?;
    let mut row = 1;
    for (label, value) in &report.about {
        sheet.write_string(row, 0, cut(label, CELL))?;
        sheet.write_string(row, 1, cut(value, CELL))?;
        row += 1;
    }
    for section in &report.sections {
        let told = section
            .blocks
            .iter()
            .any(|block| matches!(block, Block::Text(_) | Block::Figures(_)));
        if !told {
            continue;
        }
        row += 1;
        sheet.write_string_with_format(row, 0, cut(&section.heading, CELL), &look.heading)?;
        sheet.write_string_with_format(row, 1, "", &look.heading)?;
        sheet.write_string_with_format(row, 2, "", &look.heading)?;
        row += 1;
        for block in &section.blocks {
            match block {
                Block::Text(text) => {
                    sheet.merge_range(row, 0, row, 2, &cut(text, CELL), &look.text)?;
                    // Merged cells do not grow by themselves.
                    let lines = text.chars().count().div_ceil(120).max(1);
                    sheet.set_row_height(row, 15.0 * lines.min(25) as f64)?;
                    row += 1;
                }
                Block::Figures(figures) => row = key_figures(sheet, row, figures, look)?,
                Block::Table(_) | Block::Chart(_) => {}
            }
        }
    }
    sheet.set_landscape().set_print_fit_to_pages(1, 0);
    Ok(())
}

fn key_figures(
    sheet: &mut Worksheet,
    mut row: RowNum,
    figures: &[KeyFigure],
    look: &Look,
) -> Result<RowNum, WriteError> {
    for figure in figures {
        sheet.write_string_with_format(row, 0, cut(&figure.label, CELL), &look.text)?;
        write(sheet, row, 1, &figure.value, look)?;
        sheet.write_string_with_format(row, 2, cut(&figure.note, CELL), &look.text)?;
        row += 1;
    }
    Ok(row)
}

/// A sheet of its own for a table.
fn sheet<'a>(
    workbook: &'a mut Workbook,
    names: &mut HashSet<String>,
    table: &Table,
    look: &Look,
) -> Result<&'a mut Worksheet, WriteError> {
    let sheet = workbook.add_worksheet();
    sheet.set_name(free_name(&table.caption, names))?;
    for (column, place) in table.columns.iter().zip(0..) {
        sheet.write_string_with_format(0, place, cut(&column.title, CELL), &look.heading)?;
        let width = if column.number {
            14.0
        } else {
            (f64::from(column.weight) * 6.0).clamp(14.0, 60.0)
        };
        sheet.set_column_width(place, width)?;
    }
    for (row, number) in table.rows.iter().zip(1..) {
        for (cell, place) in row.iter().zip(0..) {
            write(sheet, number, place, cell, look)?;
        }
    }
    let last_row = RowNum::try_from(table.rows.len()).unwrap_or(RowNum::MAX);
    let last_column = ColNum::try_from(table.columns.len().saturating_sub(1)).unwrap_or(0);
    sheet.set_freeze_panes(1, 1)?;
    sheet.set_repeat_rows(0, 0)?;
    sheet.autofilter(0, 0, last_row, last_column)?;
    sheet.set_landscape().set_print_fit_to_pages(1, 0);
    Ok(sheet)
}

fn write(
    sheet: &mut Worksheet,
    row: RowNum,
    column: ColNum,
    cell: &Cell,
    look: &Look,
) -> Result<(), WriteError> {
    match cell {
        Cell::Text(text) => {
            sheet.write_string_with_format(row, column, cut(text, CELL), &look.text)?;
        }
        Cell::Count(count) => {
            sheet.write_number_with_format(row, column, *count as f64, &look.count)?;
        }
        Cell::Share(share) => {
            sheet.write_number_with_format(row, column, *share, &look.share)?;
        }
        Cell::Seconds(seconds) => {
            let days = f64::from(*seconds) / 86_400.0;
            sheet.write_number_with_format(row, column, days, &look.span)?;
        }
        Cell::Moment(at) => {
            let part = |value: i8| u8::try_from(value).unwrap_or(0);
            let year = u16::try_from(at.year()).unwrap_or(1900);
            let date = ExcelDateTime::from_ymd(year, part(at.month()), part(at.day()))?;
            let hour = u16::from(part(at.hour()));
            let moment = date.and_hms(hour, part(at.minute()), f64::from(at.second()))?;
            sheet.write_datetime_with_format(row, column, &moment, &look.moment)?;
        }
        Cell::Nothing => {}
    }
    Ok(())
}

/// The chart as the spreadsheet draws it, over the cells of its sheet.
fn drawing(chart: &Chart, table: &Table, sheet: &str) -> Drawing {
    let kind = match chart.kind {
        ChartKind::Bars => ChartType::Bar,
        ChartKind::Lines => ChartType::Line,
    };
    let mut drawing = Drawing::new(kind);
    let last = RowNum::try_from(table.rows.len()).unwrap_or(RowNum::MAX);
    for column in 1..=ColNum::try_from(chart.series.len()).unwrap_or(0) {
        drawing
            .add_series()
            .set_categories((sheet, 1, 0, last, 0))
            .set_values((sheet, 1, column, last, column))
            .set_name((sheet, 0, column));
    }
    if chart.kind == ChartKind::Bars {
        // The first row at the top, as in the table.
        drawing.y_axis().set_reverse();
    }
    drawing.title().set_name(&chart.title);
    drawing.set_width(760).set_height(420);
    drawing.set_alt_text(chart.described());
    drawing
}

/// A name for a sheet that no other has.
fn free_name(wanted: &str, names: &mut HashSet<String>) -> String {
    let plain: String = wanted
        .chars()
        .map(|c| {
            if "[]:*?/\\'".contains(c) || c.is_control() {
                ' '
            } else {
                c
            }
        })
        .collect();
    let name = cut(plain.trim(), NAME);
    if names.insert(name.to_lowercase()) {
        return name;
    }
    for number in 2u32.. {
        let end = format!(" {number}");
        let name = format!("{}{end}", cut(plain.trim(), NAME - end.len()));
        if names.insert(name.to_lowercase()) {
            return name;
        }
    }
    name
}

/// A text of so many characters at most, counted as UTF-16 does.
fn cut(text: &str, most: usize) -> String {
    let mut units = 0;
    let kept = text.chars().take_while(|c| {
        units += c.len_utf16();
        units <= most
    });
    kept.collect()
}
