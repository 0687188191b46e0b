// Codes out of what a caller hands over as a std::any, and into it. A port takes pointers to its elements, or pointers
// to a std::array of them; an input takes such an array of integers or real numbers itself too. An element is
//   ap_fixed or ap_ufixed of the port's width and integer bits, of any rounding and overflow (ap_int, ap_uint of its
//   width where the codes are whole numbers): the code is its bits;
//   an integer of a type that holds every code of the port: the code itself;
//   float or double, where every code is exact in it: the value, as `predict` in Python takes and gives it.
// What is in no format, and what is of no such type, is a fault that says so; only codes of the format are kept.

[[noreturn]] void out_of_range(const std::string &where, const std::string &what) {
    throw std::out_of_range(std::string(model_name) + ": " + where + ": " + what);
}

std::string readable(const std::type_info &type) {
    int status = 0;
    const std::unique_ptr<char, void (*)(void *)> text(abi::__cxa_demangle(type.name(), nullptr, nullptr, &status),
                                                       std::free);
    return status == 0 ? text.get() : type.name();
}

template <class Port> std::string taken_by() {
    const std::string width = std::to_string(Port::width);
    std::string text = "pointers to, or std::array of, " + std::to_string(Port::size) + " elements: ";
    const std::string fixed = std::string(Port::is_signed ? "ap_fixed<" : "ap_ufixed<") + width + "," +
                              std::to_string(Port::integer) + ",any rounding,any overflow>";
    text += QCOMPRESS_AP_TYPES ? fixed : "(" + fixed + " if ap_fixed.h is found when the plug-in is compiled)";
    return text + ", integers that hold its codes" + (Port::real ? ", float or double" : "");
}

[[noreturn]] void refuse(const std::string &where, const std::any &given, const std::string &taken) {
    throw std::invalid_argument(std::string(model_name) + ": " + where + " is given as " + readable(given.type()) +
                                "; taken are " + taken);
}

// Whether T is an element of a port, and how its codes are read and written: Port::size of them.
template <class Port, class T, class = void> struct Element : std::false_type {};

template <class Port, class T> constexpr bool holds() {
    using Limits = std::numeric_limits<T>;
    const bool low = Limits::is_signed ? static_cast<long long>(Limits::min()) <= Port::smallest : Port::smallest >= 0;
    return low && static_cast<unsigned long long>(Limits::max()) >= static_cast<unsigned long long>(Port::largest);
}

template <class Port, class T>
struct Element<Port, T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>>>
    : std::bool_constant<holds<Port, T>()> {
    static void read(const T *from, typename Port::type *to) {
        for (std::size_t i = 0; i < Port::size; i++) {
            const bool low = from[i] < T(0) && static_cast<long long>(from[i]) < Port::smallest;
            const bool high = from[i] > T(0) && static_cast<unsigned long long>(from[i]) >
                                                    static_cast<unsigned long long>(Port::largest);
            if (low || high)
                out_of_range(Port::name(), "code " + std::to_string(from[i]) + " of element " + std::to_string(i) +
                                               " is outside of " + std::to_string(Port::smallest) + " to " +
                                               std::to_string(Port::largest));
            to[i] = static_cast<typename Port::type>(from[i]);
        }
    }
    static void write(const typename Port::type *from, T *to) {
        for (std::size_t i = 0; i < Port::size; i++) to[i] = static_cast<T>(from[i]);
    }
};

template <class Port, class T>
struct Element<Port, T, std::enable_if_t<std::is_same_v<T, float> || std::is_same_v<T, double>>>
    : std::bool_constant<Port::real && (Port::width <= 24 || std::is_same_v<T, double>)> {
    static void read(const T *from, typename Port::type *to) {
        if (const std::size_t bad = to_codes<Port>(from, to, Port::size))
            out_of_range(Port::name(), std::to_string(bad) + " of " + std::to_string(Port::size) +
                                           " values have no code in its format");
    }
    static void write(const typename Port::type *from, T *to) { to_values<Port>(from, to, Port::size); }
};

#if QCOMPRESS_AP_TYPES
template <class Port, class Member> void read_bits(const Member *from, typename Port::type *to) {
    for (std::size_t i = 0; i < Port::size; i++) {
        const std::uint64_t high = std::uint64_t(from[i].to_uint64()) << (64 - Port::width);
        to[i] = Port::is_signed ? static_cast<typename Port::type>(std::int64_t(high) >> (64 - Port::width))
                                : static_cast<typename Port::type>(high >> (64 - Port::width));
    }
}
template <class Port, class Member> void write_bits(const typename Port::type *from, Member *to) {
    constexpr std::uint64_t mask = ~std::uint64_t(0) >> (64 - Port::width);
    for (std::size_t i = 0; i < Port::size; i++) to[i] = std::uint64_t(from[i]) & mask;
}

// Types that differ in rounding and overflow alone hold their bits in the same member: one piece of code for all.
template <class Port, class T> struct Bits {
    using Member = decltype(T::V);
    static_assert(sizeof(T) == sizeof(Member) && std::is_standard_layout_v<T>);
    static void read(const T *from, typename Port::type *to) { read_bits<Port>(&from->V, to); }
    static void write(const typename Port::type *from, T *to) { write_bits<Port>(from, &to->V); }
};

template <class Port, int W, int I, ap_q_mode Q, ap_o_mode O, int N>
struct Element<Port, ap_fixed<W, I, Q, O, N>>
    : std::bool_constant<Port::is_signed && W == Port::width && I == Port::integer>,
      Bits<Port, ap_fixed<W, I, Q, O, N>> {};
template <class Port, int W, int I, ap_q_mode Q, ap_o_mode O, int N>
struct Element<Port, ap_ufixed<W, I, Q, O, N>>
    : std::bool_constant<!Port::is_signed && W == Port::width && I == Port::integer>,
      Bits<Port, ap_ufixed<W, I, Q, O, N>> {};
template <class Port, int W>
struct Element<Port, ap_int<W>>
    : std::bool_constant<Port::is_signed && W == Port::width && Port::integer == W>, Bits<Port, ap_int<W>> {};
template <class Port, int W>
struct Element<Port, ap_uint<W>>
    : std::bool_constant<!Port::is_signed && W == Port::width && Port::integer == W>, Bits<Port, ap_uint<W>> {};

// One of the 7 x 5 ways to round and to overflow.
template <class Port, int MODE>
using Fixed = std::conditional_t<
    Port::is_signed, ap_fixed<Port::width, Port::integer, ap_q_mode(MODE / 5), ap_o_mode(MODE % 5)>,
    ap_ufixed<Port::width, Port::integer, ap_q_mode(MODE / 5), ap_o_mode(MODE % 5)>>;
#endif

// Codes read from elements, or written to them.
template <class Port, class T, class Place, class Code> void passed(Place *place, Code *codes) {
    if constexpr (Port::is_input)
        Element<Port, T>::read(place, codes);
    else
        Element<Port, T>::write(codes, place);
}

template <class Port> [[gnu::noinline]] void check_pointer(const void *pointer) {
    if (pointer == nullptr)
        throw std::invalid_argument(std::string(model_name) + ": " + Port::name() + " is a null pointer");
}
template <class Port, class T> T *known(T *pointer) {
    check_pointer<Port>(pointer);
    return pointer;
}

// Ways to read the codes of a port, or to write them, by the type of what a std::any holds.
template <class Port> class Ways {
  public:
    using Code = std::conditional_t<Port::is_input, typename Port::type, const typename Port::type>;
    Ways() {
        add<std::int8_t, std::uint8_t, std::int16_t, std::uint16_t, std::int32_t, std::uint32_t, std::int64_t,
            std::uint64_t, long long, unsigned long long, float, double>();
#if QCOMPRESS_AP_TYPES
        add_modes(std::make_integer_sequence<int, 35>());
        add<ap_int<Port::width>, ap_uint<Port::width>>();
#endif
    }
    bool use(const std::any &given, Code *codes) const {
        const auto found = ways_.find(given.type());
        if (found == ways_.end()) return false;
        found->second(given, codes);
        return true;
    }

  private:
    using Use = void (*)(const std::any &, Code *);
    std::unordered_map<std::type_index, Use> ways_;

    template <class Held> static void pointed(const std::any &given, Code *codes) {
        auto *const place = known<Port>(*std::any_cast<Held *>(&given));
        using T = std::remove_const_t<Held>;
        if constexpr (!Element<Port, T>::value)
            passed<Port, typename T::value_type>(place->data(), codes);
        else
            passed<Port, T>(place, codes);
    }
    template <class Row> static void held(const std::any &given, Code *codes) {
        passed<Port, typename Row::value_type>(std::any_cast<Row>(&given)->data(), codes);
    }
    struct Way {
        const std::type_info *type = nullptr;
        Use use = nullptr;
    };
    template <class T> static constexpr std::array<Way, 5> of_element() {
        using Row = std::array<T, Port::size>;
        if constexpr (!Element<Port, T>::value)
            return {};
        else if constexpr (!Port::is_input)
            return {Way{&typeid(T *), pointed<T>}, {&typeid(Row *), pointed<Row>}};
        else if constexpr (!std::is_arithmetic_v<T>)
            return {Way{&typeid(T *), pointed<T>}, {&typeid(const T *), pointed<const T>},
                    {&typeid(Row *), pointed<Row>}, {&typeid(const Row *), pointed<const Row>}};
        else
            return {Way{&typeid(T *), pointed<T>}, {&typeid(const T *), pointed<const T>},
                    {&typeid(Row *), pointed<Row>}, {&typeid(const Row *), pointed<const Row>},
                    {&typeid(Row), held<Row>}};
    }
    template <class... T> void add() {
        static const std::array<Way, 5> all[] = {of_element<T>()...};
        for (const auto &element : all)
            for (const Way &way : element)
                if (way.type != nullptr) ways_.emplace(*way.type, way.use);
    }
#if QCOMPRESS_AP_TYPES
    template <int... MODE> void add_modes(std::integer_sequence<int, MODE...>) { add<Fixed<Port, MODE>...>(); }
#endif
};

template <class Port> const Ways<Port> &ways() {
    static const Ways<Port> made;
    return made;
}

// One port, alone or out of a map or of members of a pair, a tuple or a struct.
template <class Port> void take(const std::any &given, typename Port::type *codes) {
    if (!ways<Port>().use(given, codes)) refuse(Port::name(), given, taken_by<Port>());
}
template <class Port> void give(const std::any &given, const typename Port::type *codes) {
    if (!ways<Port>().use(given, codes)) refuse(Port::name(), given, taken_by<Port>());
}
template <class Port, class T> void take_member(const T &given, typename Port::type *codes) {
    if constexpr (std::is_pointer_v<T>) {
        using Single = std::remove_cv_t<std::remove_pointer_t<T>>;
        if constexpr (Element<Port, Single>::value) return Element<Port, Single>::read(known<Port>(given), codes);
        else return take_member<Port>(*known<Port>(given), codes);
    } else if constexpr (std::is_array_v<T>) {
        static_assert(std::extent_v<T> == Port::size, "an array of QCOMPRESS_INPUT of another length than its port");
        take_member<Port>(&given[0], codes);
    } else if constexpr (Element<Port, T>::value) {
        static_assert(Port::size == 1, "a single element in QCOMPRESS_INPUT for a port of several");
        Element<Port, T>::read(&given, codes);
    } else {
        static_assert(std::tuple_size<T>::value == Port::size,
                      "an array of QCOMPRESS_INPUT of another length than its port");
        take_member<Port>(given.data(), codes);
    }
}
template <class Port, class T> void give_member(T &to, const typename Port::type *codes) {
    if constexpr (std::is_pointer_v<T>) {
        using Single = std::remove_pointer_t<T>;
        known<Port>(to);
        if constexpr (Element<Port, Single>::value) return Element<Port, Single>::write(codes, to);
        else return give_member<Port>(*to, codes);
    } else if constexpr (std::is_array_v<T>) {
        static_assert(std::extent_v<T> == Port::size, "an array of QCOMPRESS_RESULT of another length than its port");
        Element<Port, std::remove_extent_t<T>>::write(codes, to);
    } else if constexpr (Element<Port, T>::value) {
        static_assert(Port::size == 1, "a single element in QCOMPRESS_RESULT for a port of several");
        Element<Port, T>::write(codes, &to);
    } else {
        static_assert(std::tuple_size<T>::value == Port::size,
                      "an array of QCOMPRESS_RESULT of another length than its port");
        Element<Port, typename T::value_type>::write(codes, to.data());
    }
}

// How a port is read or written: what a std::any holds, or codes of its own type somewhere.
struct Way {
    void (*any)(const std::any &, Held &);
    void (*own)(void *, Held &);
};
template <class Port, typename Port::type (Held::*codes)[Port::size]> constexpr Way way() {
    using Code = typename Port::type;
    if constexpr (Port::is_input)
        return {[](const std::any &given, Held &held) { take<Port>(given, held.*codes); },
                [](void *from, Held &held) {
                    Element<Port, Code>::read(known<Port>(static_cast<const Code *>(from)), held.*codes);
                }};
    else
        return {[](const std::any &given, Held &held) { give<Port>(given, held.*codes); },
                [](void *to, Held &held) {
                    Element<Port, Code>::write(held.*codes, known<Port>(static_cast<Code *>(to)));
                }};
}
using Names = std::map<std::string, Way>;

template <class Map> void by_name(const Names &ports, const Map &given, Held &held, const std::string &side, bool all) {
    for (const auto &[name, one] : given)
        if (ports.count(name) == 0) out_of_range(side, "it has none of the name '" + name + "'");
    for (const auto &[name, way] : ports) {
        const auto one = given.find(name);
        if (one == given.end()) {
            if (all) out_of_range(side, "'" + name + "' is missing");
        } else if constexpr (std::is_same_v<typename Map::mapped_type, std::any>)
            way.any(one->second, held);
        else
            way.own(const_cast<void *>(static_cast<const void *>(one->second)), held);
    }
}

// All ports of one side; false if what is given is none of this.
template <class Pointer>
bool several(const Names &ports, const std::any &given, Held &held, const std::string &side, bool all) {
    if (const auto *map = std::any_cast<std::map<std::string, std::any>>(&given))
        by_name(ports, *map, held, side, all);
    else if (const auto *own = std::any_cast<std::map<std::string, Pointer>>(&given))
        by_name(ports, *own, held, side, all);
    else if (ports.size() == 1)
        ports.begin()->second.any(given, held);
    else
        return false;
    return true;
}

std::string listed(const Names &ports) {
    std::string text;
    for (const auto &port : ports) text += (text.empty() ? "'" : ", '") + port.first + "'";
    return text;
}
