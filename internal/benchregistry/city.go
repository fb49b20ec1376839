package benchregistry

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	"github.com/truyvet/truyvet/internal/registry"
)

// The words that names are put together from. Some are in a tenth of all names, some in one of thousands.
var (
	what   = strings.Split("Cửa hàng,Tạp hoá,Nhà thuốc,Quán phở,Cà phê,Trường tiểu học,Trường mầm non,Phòng khám,Công ty,Nhà hàng,Siêu thị,Chợ,Khách sạn,Tiệm bánh,Văn phòng,Xưởng may,Cắt tóc,Sửa xe,Hiệu sách,Toà nhà", ",")
	family = strings.Split("Nguyễn,Trần,Lê,Phạm,Hoàng,Huỳnh,Phan,Vũ,Võ,Đặng,Bùi,Đỗ,Hồ,Ngô,Dương,Lý", ",")
	middle = strings.Split("Văn,Thị,Đức,Minh,Ngọc,Quang,Hữu,Thanh,Xuân,Hồng,Kim,Bảo,Gia,Tuấn,Hải,Thu", ",")
	given  = strings.Split("An,Bình,Châu,Dũng,Đạt,Giang,Hà,Hạnh,Hiếu,Hoa,Hùng,Hương,Khánh,Khôi,Lan,Linh,Long,Mai,Nam,Nga,Phong,Phúc,Quân,Sơn,Tâm,Thảo,Trang,Trung,Tú,Uyên,Việt,Yến", ",")
	street = strings.Split("Bến Thóc,Hàng Muối,Lò Đường,Chợ Cũ,Cây Gạo,Đê Ngoài,Giếng Đá,Hàng Cói,Kho Dầu,Kè Đá,Lưới Chài,Nhà Đèn,Ngõ Than,Thuyền Buồm,Vườn Nhãn,Đò Ngang,Hải Đăng,Xóm Neo", ",")
)

const wardCount = 500

func wards() []registry.Area {
	areas := []registry.Area{{Code: "01", Level: registry.Province, Name: "Thành phố"}}
	for i := range wardCount {
		areas = append(areas, registry.Area{Code: fmt.Sprintf("%05d", i), Level: registry.Ward, Parent: "01", Name: fmt.Sprintf("Phường %d", i)})
	}
	return areas
}

func pick(dice *rand.Rand, from []string) string { return from[dice.IntN(len(from))] }

// person is whose name a place bears; the earlier of each list are the more frequent, as they are among people.
func person(dice *rand.Rand) string {
	skewed := func(from []string) string { return from[min(dice.IntN(len(from)), dice.IntN(len(from)))] }
	return skewed(family) + " " + skewed(middle) + " " + skewed(given)
}

// writePlaces writes a file of places, of which one in five is a site with parts.
func writePlaces(path string, n int) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	out := bufio.NewWriterSize(file, 1<<20)
	dice := rand.New(rand.NewPCG(1, 2))
	fmt.Fprintln(out, "key,parent,name,kind,address,ward,hours")
	for i := range n {
		if i%5 > 0 {
			fmt.Fprintf(out, ",p%d,Phòng %d %s,office,,,\n", i-i%5, 100+dice.IntN(900), pick(dice, given))
			continue
		}
		fmt.Fprintf(out, "p%d,,%s %s,shop,%d phố %s,%05d,T2-CN 07:00-21:00\n",
			i, pick(dice, what), person(dice), 1+dice.IntN(400), pick(dice, street), dice.IntN(wardCount))
	}
	return out.Flush()
}

// searchKind is a way in which people look for a place.
type searchKind struct {
	name  string
	turns bool // they turn to the second page
	text  func(*rand.Rand) string
	wards bool // they ask for a ward too
}

// first cuts a word off after some letters.
func first(text string, letters int) string {
	runes := []rune(text)
	return string(runes[:min(letters, len(runes))])
}

var searchKinds = []searchKind{
	{"whole_name", false, func(d *rand.Rand) string { return pick(d, what) + " " + person(d) }, false},
	{"without_marks", false, func(d *rand.Rand) string {
		return strings.Join(registry.Words(pick(d, what)+" "+pick(d, family)+" "+pick(d, given)), " ")
	}, false},
	{"in_ward", true, func(d *rand.Rand) string { return first(pick(d, what), 2) }, true},
	{"beginning", true, func(d *rand.Rand) string { return first(pick(d, what), 1+d.IntN(3)) }, false},
	{"two_beginnings", true, func(d *rand.Rand) string { return first(pick(d, what), 2) + " " + first(pick(d, given), 1+d.IntN(2)) }, false},
	{"room", true, func(d *rand.Rand) string { return fmt.Sprintf("phong %d", 100+d.IntN(900)) }, false},
	{"nothing", false, func(d *rand.Rand) string { return pick(d, what) + " xyz" }, false},
	{"apart", true, func(d *rand.Rand) string { return "phong " + pick(d, family) }, false}, // both frequent, and in no name together
	{"every", true, func(*rand.Rand) string { return "" }, false},
}
