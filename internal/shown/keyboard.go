package shown

import (
	"strings"
	"time"
	"unicode"
)

// A reader of codes that calls itself a keyboard sends the keys of a US keyboard. What comes of them hangs on the layout that the
// computer is set to, on its input method, and on whether Caps Lock is on.

// The keys of a US keyboard, row by row, without and with Shift.
const (
	usKeys    = "`1234567890-=qwertyuiop[]\\asdfghjkl;'zxcvbnm,./ "
	usShifted = `~!@#$%^&*()_+QWERTYUIOP{}|ASDFGHJKL:"ZXCVBNM<>? `
)

// layouts are what the keys of usKeys and usShifted give elsewhere: French, German, Vietnamese (as Windows has it), and US with
// Shift turned round. '\x00' is a key that gives no character.
var layouts = [][2]string{
	{"²&é\"'(-è_çà)=azertyuiop^$*qsdfghjklmùwxcvbn,;:! ", "\x001234567890°+AZERTYUIOP¨£µQSDFGHJKLM%WXCVBN?./§ "},
	{"^1234567890ß´qwertzuiopü+#asdfghjklöäyxcvbnm,.- ", "°!\"§$%&/()=?`QWERTZUIOPÜ*'ASDFGHJKLÖÄYXCVBNM;:_ "},
	{"`ăâêô\u0300\u0309\u0303\u0301\u0323đ-₫qwertyuiopươ\\asdfghjkl;'zxcvbnm,./ ", "~ĂÂÊÔ\x00\x00\x00\x00\x00Đ_\x00QWERTYUIOPƯƠ|ASDFGHJKL:\"ZXCVBNM<>? "},
	{usShifted, usKeys},
}

// readAs is what turns the characters of each layout back into those of the US one.
var readAs = func() []map[rune]rune {
	all := make([]map[rune]rune, len(layouts))
	for i, layout := range layouts {
		all[i] = make(map[rune]rune)
		for level, us := range []string{usKeys, usShifted} {
			meant := []rune(us)
			for k, came := range []rune(layout[level]) {
				if _, twice := all[i][came]; came != 0 && !twice {
					all[i][came] = meant[k]
				}
			}
		}
	}
	return all
}()

// The letters that the input methods Telex and VNI make, each row the vowel alone and with the five tones, and how they are typed.
var (
	vietnamese = []struct{ letters, telex, vni string }{
		{"aàảãáạ", "a", "a"},
		{"ăằẳẵắặ", "aw", "a8"},
		{"âầẩẫấậ", "aa", "a6"},
		{"eèẻẽéẹ", "e", "e"},
		{"êềểễếệ", "ee", "e6"},
		{"iìỉĩíị", "i", "i"},
		{"oòỏõóọ", "o", "o"},
		{"ôồổỗốộ", "oo", "o6"},
		{"ơờởỡớợ", "ow", "o7"},
		{"uùủũúụ", "u", "u"},
		{"ưừửữứự", "uw", "u7"},
		{"yỳỷỹýỵ", "y", "y"},
		{"đ", "dd", "d9"},
	}
	telexTones = []string{"", "f", "r", "x", "s", "j"}
	vniTones   = []string{"", "2", "3", "4", "1", "5"}
)

// telex and vni are what was typed for each of those letters. An input method takes a tone to the vowel where it belongs, from
// wherever it was typed: only where it was typed at once is it found again. What has a signature shows whether it was.
var telex, vni = typedAs()

func typedAs() (telex, vni map[rune]string) {
	telex, vni = make(map[rune]string), make(map[rune]string)
	for _, v := range vietnamese {
		for tone, letter := range []rune(v.letters) {
			for method, typed := range map[*map[rune]string]string{&telex: v.telex + telexTones[tone], &vni: v.vni + vniTones[tone]} {
				if typed != string(letter) {
					(*method)[letter] = typed
					(*method)[unicode.ToUpper(letter)] = strings.ToUpper(typed)
				}
			}
		}
	}
	return telex, vni
}

// undo returns what was typed in a layout, and whether every character is one of that layout's.
func undo(text string, layout map[rune]rune) (string, bool) {
	var b strings.Builder
	for _, r := range text {
		meant, known := layout[r]
		if !known {
			return "", false
		}
		b.WriteRune(meant)
	}
	return b.String(), true
}

// undoMethod returns what was typed for the letters of an input method.
func undoMethod(text string, method map[rune]string) string {
	var b strings.Builder
	for _, r := range text {
		if typed, made := method[r]; made {
			b.WriteString(typed)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Repair returns what a reader meant that typed a text: the text itself where it is good; else what the physical keys mean on
// a US keyboard, where they are known; else what it was before a layout or an input method made this of it. Keys are the names
// that browsers give (the code of UI Events), each after a "+" where Shift was held, with spaces between them. Good says whether
// something that can be read is what it seems to be, as a signature shows. What is good in no way stays as it is.
func Repair(text, keys string, good func(Shown) bool) string {
	is := func(text string) bool {
		read := Read(text)
		return read.Kind != Nothing && good(read)
	}
	text = strings.TrimSpace(text)
	if len(text) > 4*LongestText || len(keys) > 16*LongestText || is(text) {
		return text
	}
	attempts := []string{physical(keys), undoMethod(text, telex), undoMethod(text, vni)}
	for _, layout := range readAs {
		if meant, ok := undo(text, layout); ok {
			attempts = append(attempts, meant)
		}
	}
	for _, attempt := range attempts {
		if is(attempt) {
			return strings.TrimSpace(attempt)
		}
	}
	return text
}

// physicalKeys are the names of the keys of usKeys besides those of letters and digits.
var physicalKeys = map[string]byte{
	"Backquote": '`', "Minus": '-', "Equal": '=', "BracketLeft": '[', "BracketRight": ']', "Backslash": '\\', "Semicolon": ';',
	"Quote": '\'', "Comma": ',', "Period": '.', "Slash": '/', "Space": ' ',
}

// physical returns what keys mean on a US keyboard; nothing where one of them is none that gives a character.
func physical(keys string) string {
	var b strings.Builder
	for key := range strings.FieldsSeq(keys) {
		name, shift := strings.CutPrefix(key, "+")
		char, known := physicalKeys[name]
		switch {
		case known:
		case len(name) == 4 && strings.HasPrefix(name, "Key") && name[3] >= 'A' && name[3] <= 'Z':
			char = name[3] + 'a' - 'A'
		case len(name) == 6 && strings.HasPrefix(name, "Digit"), len(name) == 7 && strings.HasPrefix(name, "Numpad"):
			if char = name[len(name)-1]; char < '0' || char > '9' {
				return ""
			}
		default:
			return ""
		}
		if shift {
			char = usShifted[strings.IndexByte(usKeys, char)]
		}
		b.WriteByte(char)
	}
	return b.String()
}

// How a reader is told from a finger: it types more than a few characters, faster than anybody does. The quickest typists press
// a key every 60 ms or so; readers every 5 to 30.
const (
	readerChars = 9
	readerPause = 40 * time.Millisecond
)

// ByReader says whether so many characters that came in that time, from the first to the last, were typed by a reader.
func ByReader(chars int, took time.Duration) bool {
	return chars >= readerChars && took <= time.Duration(chars-1)*readerPause
}
