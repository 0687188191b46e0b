// A framework's side of a plug-in, as CMSSW's documentation describes it: the base class of models, and a loader that
// opens NAME.so, finds create_model and destroy_model in it, and closes it at its end.
#pragma once
#include <any>
#include <dlfcn.h>
#include <memory>
#include <stdexcept>
#include <string>

namespace hls4mlEmulator {

class Model {
  public:
    virtual void prepare_input(std::any input) = 0;
    virtual void predict() = 0;
    virtual void read_result(std::any result) = 0;
    virtual ~Model() = default;
};

class ModelLoader {
  public:
    explicit ModelLoader(const std::string &name) : name_(name) {}
    ModelLoader(const ModelLoader &) = delete;
    ~ModelLoader() {
        if (library_ != nullptr) dlclose(library_);
    }
    std::shared_ptr<Model> load_model() {
        library_ = dlopen((name_ + ".so").c_str(), RTLD_LAZY | RTLD_LOCAL);
        if (library_ == nullptr) throw std::runtime_error(dlerror());
        const auto create = reinterpret_cast<Model *(*)()>(found("create_model"));
        const auto destroy = reinterpret_cast<void (*)(Model *)>(found("destroy_model"));
        return {create(), destroy};
    }

  private:
    std::string name_;
    void *library_ = nullptr;

    void *found(const char *symbol) {
        void *const place = dlsym(library_, symbol);
        if (place == nullptr) throw std::runtime_error(dlerror());
        return place;
    }
};

} // namespace hls4mlEmulator
