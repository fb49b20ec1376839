package poster

import "strconv"

// phrase says one thing in both languages.
type phrase struct{ vi, en string }

// in returns what is said first, and what is said beside it or an empty text.
func (p phrase) in(l Language) (first, beside string) {
	switch l {
	case Vietnamese:
		return p.vi, ""
	case English:
		return p.en, ""
	default:
		return p.vi, p.en
	}
}

// What posters say.
var (
	sayTitle   = phrase{"QUÉT MÃ KHI ĐẾN", "SCAN WHEN YOU ARRIVE"}
	sayNoPhone = phrase{"Không có điện thoại? Đưa thẻ căn cước cho người ở cổng.", "No phone? Show your ID card at the gate."}
	sayFold    = phrase{"Gấp theo các vạch, dán hai mép vào nhau.", "Fold at the marks and glue the two flaps together."}
	saySteps   = [3]phrase{
		{"Mở máy ảnh của điện thoại", "Open your phone's camera"},
		{"Hướng vào mã", "Point it at the code"},
		{"Bấm “Báo đã đến”", "Tap “Check in”"},
	}
)

// sayProof says in one line when the code was issued, its serial and its check code.
func sayProof(p *Poster, style Style) string {
	day, serial := p.Issued.In(style.location()).Format("02/01/2006"), strconv.FormatUint(uint64(p.Serial), 10)
	label := func(say phrase) string {
		first, beside := say.in(style.Language)
		if beside != "" {
			first += " / " + beside
		}
		return first + " "
	}
	return label(phrase{"Cấp ngày", "Issued"}) + day + "  ·  " + label(phrase{"Số", "No."}) + serial +
		"  ·  " + label(phrase{"Mã kiểm tra", "Check code"}) + p.Check
}

// sayReport says what to do about a poster that is not to be trusted.
func sayReport(p *Poster) phrase {
	who := phrase{"người quản lý nơi này", "whoever runs this place"}
	if p.Report != "" {
		who = phrase{p.Report, p.Report}
	}
	return phrase{
		"Trang mở ra có mã kiểm tra khác, hoặc mã bị dán đè: báo " + who.vi + ".",
		"If the page shows another check code, or this was pasted over: tell " + who.en + ".",
	}
}
